/** How the program ends: its exit code, and the guard that ends it at its stop timeout. */
import { formatDuration, monotonicMs } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import { isSuccess, wasKilled } from "../job/job.ts";
import { type Guard, guard } from "../os/signals/guard.ts";
import { signalNumber } from "../os/signals/names.ts";
import type { Emit, JobStop, StopReason } from "../supervisor/events.ts";

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

/** The message names at most this many jobs. */
const NAMED = 10;
/** The guard is made this long after the start, so that neither the start nor the stop has to wait for it. */
const PREPARE_MS = 1_000;
/**
 * The guard exits this long after the stop timeout, outside PID 1: there the remaining processes of the jobs do not end
 * with lastcall, and mostly nobody kills lastcall at the stop timeout. So the guard leaves time for the SIGKILL of jobs
 * and stragglers, even on a busy machine.
 */
const EXTRA_MS = 2_000;

/**
 * Ends the program at its stop timeout if the stop has not finished, and names the jobs that it was waiting for.
 *
 * @returns A listener for the events of the program.
 */
export function guardStop(budget: Budget): Emit {
	const reserveMs = budget.totalMs - budget.jobsMs;
	// As PID 1 the guard exits just before the platform's SIGKILL.
	const extraMs = process.pid === 1 ? -budget.exitMs : EXTRA_MS;
	const running = new Set<string>();
	let armed: Guard | undefined;
	let endAt = Number.POSITIVE_INFINITY;
	let code = EXIT_KILLED;
	setTimeout(guard, PREPARE_MS).unref();

	/** @param ms Milliseconds from now to the end of the stop timeout, which can only come nearer. */
	function arm(ms: number): void {
		const now = monotonicMs();
		endAt = Math.min(endAt, now + ms);
		armed = guard();
		armed?.say(message(), code);
		// After a freeze of the container that outlasts that moment, the process has most of the reserve once more.
		armed?.arm(endAt - now + extraMs, undefined, reserveMs);
	}

	function message(): string {
		const names = [...running].slice(0, NAMED).join(", ");
		const more = running.size > NAMED ? ` and ${running.size - NAMED} more` : "";
		const late = names && `, still waiting for ${names}${more}`;
		return `lastcall: The stop timeout of ${formatDuration(budget.totalMs)} is over${late}; exit code ${code}`;
	}

	return (event) => {
		if (event.type === "job.started") running.add(event.job);
		else if (event.type === "job.exited") running.delete(event.job);
		else if (event.type === "stop.requested") return arm(budget.totalMs);
		else if (event.type === "stop.hurried") return arm(reserveMs);
		else if (event.type === "stop.finished") {
			running.clear();
			code = event.report.exitCode;
		} else return;
		armed?.say(message(), code);
	};
}
