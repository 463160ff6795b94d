/**
 * How the stop timeout is spent. The platform kills everything when it has passed, so a reserve of it is kept for what
 * comes after the jobs' deadline: killing late jobs, ending stragglers, getting the report out.
 */
export interface Budget {
	/** The stop timeout: what the platform gives. */
	readonly totalMs: number;
	/** The jobs' share: their deadline counts from the request. */
	readonly jobsMs: number;
	/** Longest wait for a killed job to go. */
	readonly killMs: number;
	/** Longest wait for killed stragglers to go. */
	readonly stragglerKillMs: number;
	/** Longest wait for the reader of our output. */
	readonly flushMs: number;
}

const RESERVE_MIN_MS = 500;
const RESERVE_MAX_MS = 1_000;
/** What a straggler gets between SIGTERM and SIGKILL when there is time. */
const STRAGGLER_STOP_MAX_MS = 1_000;

export function planBudget(totalMs: number): Budget {
	const reserve = Math.min(
		Math.max(totalMs / 10, RESERVE_MIN_MS),
		RESERVE_MAX_MS,
		totalMs / 2,
	);
	return {
		totalMs,
		jobsMs: totalMs - reserve,
		killMs: reserve * 0.35,
		stragglerKillMs: reserve * 0.15,
		flushMs: reserve * 0.2,
	};
}

/** Milliseconds between the stragglers' SIGTERM and SIGKILL, so long after the request. */
export function stragglerStopMs(budget: Budget, elapsedMs: number): number {
	const left =
		budget.totalMs - elapsedMs - budget.stragglerKillMs - budget.flushMs;
	const least = budget.stragglerKillMs;
	// The last slice of the reserve stays for the exit itself.
	return Math.min(Math.max(left * 0.8, least), STRAGGLER_STOP_MAX_MS);
}
