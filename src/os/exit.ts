/** Ends the process, whatever its threads are doing. */
import { libc } from "./libc.ts";

/**
 * While a thread is stuck in native code `process.exit()` hangs, and as PID 1 nothing but the runtime's SIGKILL ends
 * that: the way out is _exit(2). Without a binding for it the process replaces itself by one that has no such thread
 * (execve(2) ends all others).
 *
 * @param threadsJoined Whether no thread is left; only then the regular exit is safe.
 */
export function endProcess(code: number, threadsJoined: boolean): never {
	if (!threadsJoined) {
		libc()?.exitNow(code);
		process.execve?.(
			process.execPath,
			[process.execPath, "-e", `process.exit(${code})`],
			{},
		);
	}
	process.exit(code);
}

/**
 * Ends a process that has no threads of its own and nothing left to write: _exit(2), past Node.js's own clean-up. That takes
 * its time, and would set the terminal back to what it was when we started, over whatever the program has made of it.
 */
export function leave(code: number): never {
	libc()?.exitNow(code);
	process.exit(code);
}
