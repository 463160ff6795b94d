/** Ends the process, whatever its threads are doing. */
import { libc } from "../ffi/libc.ts";

interface ExitOptions {
	/** Whether a thread may be in native code. If _exit(2) cannot be called, execve(2) then ends that thread. */
	readonly threadMayBeStuck?: boolean;
}

/** Runs the process's `exit` listeners, then ends the process as {@link exitAtOnce} does. */
export function exitWithListeners(code: number, options?: ExitOptions): never {
	process.once("exit", () => exitAtOnce(code, options));
	process.exit(code);
}

/**
 * Ends the process by _exit(2), without the clean-up of Node.js. That clean-up waits for every thread: if one is stuck
 * in native code, PID 1 would hang until the runtime's SIGKILL. It also takes time, and would undo a program's changes
 * to the terminal's settings.
 */
export function exitAtOnce(code: number, { threadMayBeStuck = false }: ExitOptions = {}): never {
	libc()?._exit(code);
	if (threadMayBeStuck) process.execve?.(process.execPath, [process.execPath, "-e", `process.exit(${code})`], {});
	process.exit(code);
}
