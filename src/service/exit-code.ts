/** The exit code of the program. */
import { isSuccess, wasKilled } from "../job/job.ts";
import { signalNumber } from "../os/signals/names.ts";
import type { JobStop, StopReason } from "../supervisor/events.ts";

/** As timeout(1): something had to be killed. */
export const EXIT_KILLED = 124;
export const EXIT_FAILED = 1;

export interface Circumstances {
	/** Something had to be killed that was left when all jobs had exited. */
	readonly stragglersForced: boolean;
	/** Something in the main thread has thrown, at any time. */
	readonly hadErrors: boolean;
}

/**
 * The code that the program exits with:
 * 124 if anything had to be killed, else the essential job's own code (128 + n for a signal) if its failure began the stop,
 * else 1 if a job failed or something in the main thread threw, else 0.
 *
 * What had ended before the stop was told of then. It counts only when the program stops because every job has ended.
 */
export function exitCode(
	reason: StopReason,
	jobs: readonly JobStop[],
	{ stragglersForced, hadErrors }: Circumstances,
): number {
	const exits = jobs.filter(({ endedBefore }) => reason.type === "idle" || !endedBefore).map(({ exit }) => exit);
	if (reason.type === "job") exits.push(reason.exit);
	if (stragglersForced || exits.some(wasKilled)) return EXIT_KILLED;
	if (hadErrors) return EXIT_FAILED;
	if (reason.type === "job" && !isSuccess(reason.exit)) {
		const { exit } = reason;
		// The kernel keeps eight bits of it, and a failure must not look like a success.
		if (exit.outcome === "exited") return exit.code & 0xff || EXIT_FAILED;
		if (exit.outcome === "signaled") return 128 + signalNumber(exit.signal);
	}
	return exits.every(isSuccess) ? 0 : EXIT_FAILED;
}
