/**
 * The stop timeout: where it comes from, and how it is spent. The platform kills everything when it is over, so a reserve is kept for
 * what comes after the jobs' deadline: to kill late jobs, to end stragglers, to print the report.
 */

import { UserError } from "../base/errors.ts";
import { formatDuration, readDuration } from "../base/time.ts";

export interface StopTimeout {
	readonly ms: number;
	/** Where it comes from, in words. */
	readonly source: string;
}

/** Each platform is known by a variable it sets; the more specific one stands first (ECS runs on Docker, too). */
const PLATFORMS = [
	["KUBERNETES_SERVICE_HOST", "Kubernetes", 30_000],
	["ECS_CONTAINER_METADATA_URI_V4", "Amazon ECS", 30_000],
	["K_SERVICE", "Cloud Run", 10_000],
	["FLY_APP_NAME", "Fly.io", 5_000],
	["DYNO", "Heroku", 30_000],
	["NOMAD_ALLOC_ID", "Nomad", 5_000],
] as const;

const DOCKER: StopTimeout = { ms: 10_000, source: "Docker's default" };

/** What the platform we find ourselves on grants between its stop signal and its SIGKILL, unless it was told otherwise. */
export function platformTimeout(env: NodeJS.ProcessEnv): StopTimeout {
	for (const [variable, name, ms] of PLATFORMS) {
		if (env[variable] !== undefined) return { ms, source: `${name}'s default, known by ${variable}` };
	}
	return DOCKER;
}

/**
 * The program's stop timeout: the command line goes before `LASTCALL_STOP_TIMEOUT`, that before the configuration, that
 * before what the platform grants by default.
 *
 * @throws {UserError} if the variable holds no duration.
 */
export function resolveStopTimeout(
	argument: number | undefined,
	env: NodeJS.ProcessEnv,
	configured: number | undefined,
): StopTimeout {
	if (argument !== undefined) return { ms: argument, source: "--stop-timeout" };
	const variable = "LASTCALL_STOP_TIMEOUT";
	const ms = readDuration(variable, env[variable]);
	if (ms !== undefined) return { ms, source: variable };
	if (configured !== undefined) return { ms: configured, source: "the configuration" };
	return platformTimeout(env);
}

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
	const reserve = Math.min(Math.max(totalMs / 10, RESERVE_MIN_MS), RESERVE_MAX_MS, totalMs / 2);
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
