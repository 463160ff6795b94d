/** Ends the process, whatever its threads are doing. */
import { libc } from "../ffi/libc.ts";

/** Runs the process's `exit` listeners, then ends the process as {@link leave} does. */
export function endProcess(code: number, mayHang: boolean): never {
	process.once("exit", () => leave(code, mayHang));
	process.exit(code);
}

/**
 * Ends the process by _exit(2), without the clean-up of Node.js. That clean-up waits for every thread: if one is stuck
 * in native code, PID 1 would hang until the runtime's SIGKILL. It also takes time, and would undo a program's changes
 * to the terminal's settings.
 *
 * @param mayHang Whether a thread may be in native code. If _exit(2) cannot be called, execve(2) then ends that thread.
 */
export function leave(code: number, mayHang = false): never {
	libc()?.exitNow(code);
	if (mayHang) process.execve?.(process.execPath, [process.execPath, "-e", `process.exit(${code})`], {});
	process.exit(code);
}
