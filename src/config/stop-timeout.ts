/**
 * The stop timeout: where it comes from, and how it is spent. The platform kills all processes at its end. So a reserve
 * is kept for the work after the jobs' deadline: killing late jobs, ending stragglers, printing the report.
 */
import { UserError } from "../base/errors.ts";
import { formatDuration, readDuration } from "../base/time.ts";

/** `source`: where the value comes from, in plain English. */
export type StopTimeout = Readonly<{ ms: number; source: string }>;

/** Each platform sets a variable of its own. The more specific platforms come first: ECS runs on Docker, too. */
const PLATFORMS = [
	["KUBERNETES_SERVICE_HOST", "Kubernetes", 30_000],
	["ECS_CONTAINER_METADATA_URI_V4", "Amazon ECS", 30_000],
	["K_SERVICE", "Cloud Run", 10_000],
	["FLY_APP_NAME", "Fly.io", 5_000],
	["DYNO", "Heroku", 30_000],
	["NOMAD_ALLOC_ID", "Nomad", 5_000],
] as const;

/** The time that the platform allows by default between its stop signal and its SIGKILL. */
export function platformTimeout(env: NodeJS.ProcessEnv): StopTimeout {
	for (const [variable, name, ms] of PLATFORMS)
		if (env[variable] !== undefined) return { ms, source: `${name}'s default, known by ${variable}` };
	return { ms: 10_000, source: "Docker's default" };
}

/**
 * Resolves the program's stop timeout: the argument of the command line overrides `LASTCALL_STOP_TIMEOUT`, which
 * overrides what is configured, which overrides the platform's default. All in milliseconds.
 *
 * @throws {UserError} if the variable is not a duration.
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
	return configured === undefined ? platformTimeout(env) : { ms: configured, source: "the configuration" };
}

const RESERVE_MIN_MS = 500;
const RESERVE_MAX_MS = 1_000;

/** A working reader takes something within this time, even on a busy machine. */
const STALL_MAX_MS = 500;

/** How the stop timeout is spent, in milliseconds. */
export type Budget = Readonly<ReturnType<typeof planBudget>>;

/** @param drainMs From the request until the first job is asked to stop; a part of `jobsMs`. */
export function planBudget(totalMs: number, drainMs = 0) {
	const reserve = Math.min(Math.max(totalMs / 10, RESERVE_MIN_MS), RESERVE_MAX_MS, totalMs / 2);
	return {
		totalMs,
		/** The jobs' share: from the request of the stop to the jobs' deadline. */
		jobsMs: totalMs - reserve,
		drainMs,
		/** The longest search for the place where a late job is, before it is killed. */
		locateMs: reserve * 0.3,
		/** The longest wait for the end of a killed job. */
		killMs: reserve * 0.2,
		/** The longest wait for the end of killed stragglers. */
		stragglerKillMs: reserve * 0.15,
		/** Kept for the output to reach its reader, however late it is. */
		flushMs: reserve * 0.1,
		/** Kept for the exit itself. */
		exitMs: reserve * 0.05,
	};
}

/** @throws {UserError} if the stop timeout is zero, or if the drain delay leaves no time for the jobs to stop. */
export function checkBudget({ totalMs, jobsMs, drainMs }: Budget): void {
	if (totalMs <= 0)
		throw new UserError(
			"Cannot use the stop timeout: found 0 ms, expected the time that the platform gives between its stop signal and its SIGKILL",
		);
	if (drainMs >= jobsMs)
		throw new UserError(
			`Cannot use drainDelay: found ${formatDuration(drainMs)}, expected less than the ${formatDuration(jobsMs)} that the jobs have to stop`,
		);
}

/** The time between the stragglers' SIGTERM and SIGKILL: what is left, without the share of the later steps. */
export function stragglerStopMs(budget: Budget, elapsedMs: number): number {
	const { totalMs, stragglerKillMs, flushMs, exitMs } = budget;
	return Math.max(totalMs - elapsedMs - stragglerKillMs - flushMs - exitMs, stragglerKillMs);
}

/** The longest wait for a slow reader of the output: what is left, with a margin for the exit. */
export function flushMaxMs({ totalMs, stragglerKillMs, flushMs }: Budget, elapsedMs: number): number {
	return Math.max(totalMs - elapsedMs - stragglerKillMs, flushMs);
}

/** The longest wait for a reader that takes nothing, of `maxMs` left: it may only be short of processor time. */
export function flushStallMs({ flushMs }: Budget, maxMs: number): number {
	return Math.min(Math.max(maxMs / 4, flushMs), STALL_MAX_MS);
}
