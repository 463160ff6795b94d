/** Ends the process, whatever its threads are doing. */
import { libc } from "../ffi/libc.ts";

/**
 * Runs the listeners of `exit`, and leaves.
 *
 * @param mayHang See {@link leave}.
 */
export function endProcess(code: number, mayHang: boolean): never {
	process.once("exit", () => leave(code, mayHang));
	process.exit(code);
}

/**
 * _exit(2), past Node.js's own clean-up. That takes its time, waits for every thread, and would set the terminal back to what it
 * was when we started, over whatever a program has made of it. As PID 1 nothing but the runtime's SIGKILL would end the wait
 * for a thread in native code.
 *
 * Without a binding for _exit(2) the process replaces itself by one that has no such thread: execve(2) ends all others.
 *
 * @param mayHang Whether there may be such a thread.
 */
export function leave(code: number, mayHang = false): never {
	libc()?.exitNow(code);
	if (mayHang) process.execve?.(process.execPath, [process.execPath, "-e", `process.exit(${code})`], {});
	process.exit(code);
}
