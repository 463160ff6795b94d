/**
 * How the stop timeout is spent. The platform kills everything when it has passed, so a reserve of it is kept for what
 * comes after the jobs' deadline: killing late jobs, ending stragglers, getting the report out.
 */
import { formatDuration } from "../duration.ts";
import { UserError } from "../errors.ts";

export interface Budget {
	/** The stop timeout: what the platform gives. */
	readonly totalMs: number;
	/** The jobs' share: their deadline counts from the request. */
	readonly jobsMs: number;
	/** Time between the request and the first job that is asked; a part of `jobsMs`. */
	readonly drainMs: number;
	/** Longest look at where a late job is, before it is killed. */
	readonly locateMs: number;
	/** Longest wait for a killed job to go. */
	readonly killMs: number;
	/** Longest wait for killed stragglers to go. */
	readonly stragglerKillMs: number;
	/** Kept for a reader of our output, however late it is. */
	readonly flushMs: number;
	/** Kept for the exit itself. */
	readonly exitMs: number;
}

const RESERVE_MIN_MS = 500;
const RESERVE_MAX_MS = 1_000;

/** No reader that works takes so long to read something, on however busy a machine. */
const STALL_MAX_MS = 500;

export function planBudget(totalMs: number, drainMs = 0): Budget {
	const reserve = Math.min(
		Math.max(totalMs / 10, RESERVE_MIN_MS),
		RESERVE_MAX_MS,
		totalMs / 2,
	);
	return {
		totalMs,
		jobsMs: totalMs - reserve,
		drainMs,
		locateMs: reserve * 0.3,
		killMs: reserve * 0.2,
		stragglerKillMs: reserve * 0.15,
		flushMs: reserve * 0.1,
		exitMs: reserve * 0.05,
	};
}

/** @throws {UserError} if there is no time at all, or the drain delay leaves the jobs none to stop. */
export function checkBudget({ totalMs, jobsMs, drainMs }: Budget): void {
	if (totalMs <= 0)
		throw new UserError(
			"Cannot use the stop timeout: found 0 ms, expected what the platform gives between its stop signal and its SIGKILL",
		);
	if (drainMs < jobsMs) return;
	throw new UserError(
		`Cannot use drainDelay: found ${formatDuration(drainMs)}, expected less than the ${formatDuration(jobsMs)} that the jobs have to stop`,
	);
}

/** Milliseconds between the stragglers' SIGTERM and SIGKILL, so long after the request: all that is left, but for what follows. */
export function stragglerStopMs(budget: Budget, elapsedMs: number): number {
	const { totalMs, stragglerKillMs, flushMs, exitMs } = budget;
	const left = totalMs - elapsedMs - stragglerKillMs - flushMs - exitMs;
	return Math.max(left, stragglerKillMs);
}

/** Longest wait for a reader of our output that is slow, so long after the request: what is left, but for the exit itself. */
export function flushMaxMs(budget: Budget, elapsedMs: number): number {
	const { totalMs, stragglerKillMs, flushMs } = budget;
	return Math.max(totalMs - elapsedMs - stragglerKillMs, flushMs);
}

/** Longest wait for one that takes nothing at all: it may only be starved while there is plenty of time, of which `maxMs` is left. */
export function flushStallMs({ flushMs }: Budget, maxMs: number): number {
	return Math.min(Math.max(maxMs / 4, flushMs), STALL_MAX_MS);
}
