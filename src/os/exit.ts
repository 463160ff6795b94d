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
