/** The exit code of the program. */
import { isSuccess, wasKilled } from "../job/job.ts";
import { signalNumber } from "../os/signals/names.ts";
import type { JobStop, StopReason } from "../supervisor/events.ts";

/** Something had to be killed; timeout(1) uses the same code. */
export const EXIT_KILLED = 124;
export const EXIT_FAILED = 1;

/**
 * Computes the exit code of the program:
 * - 124 if anything had to be killed,
 * - else 1 if something in the main thread threw,
 * - else the essential job's own code (128 + n for a signal) if its failure began the stop,
 * - else 1 if a job failed, else 0.
 *
 * The exit of a job that ended before the stop counts only when the program stops because every job has ended.
 *
 * @param circumstances Whether a straggler had to be killed, and whether anything in the main thread ever threw.
 */
export function exitCode(
	reason: StopReason,
	jobs: readonly JobStop[],
	{ stragglersForced, hadErrors }: { readonly stragglersForced: boolean; readonly hadErrors: boolean },
): number {
	const exits = jobs.filter(({ endedBefore }) => reason.type === "idle" || !endedBefore).map(({ exit }) => exit);
	if (reason.type === "job") exits.push(reason.exit);
	if (stragglersForced || exits.some(wasKilled)) return EXIT_KILLED;
	if (hadErrors) return EXIT_FAILED;
	if (reason.type === "job" && !isSuccess(reason.exit)) {
		const { exit } = reason;
		// The kernel keeps only eight bits of the code. A failure must not look like a success.
		if (exit.outcome === "exited") return exit.code & 0xff || EXIT_FAILED;
		if (exit.outcome === "signaled") return 128 + signalNumber(exit.signal);
	}
	return exits.every(isSuccess) ? 0 : EXIT_FAILED;
}
