/** `lastcall check`: says what `run` would do, without doing it. */
import { loadConfig } from "../config/load.ts";
import { orderInWaves } from "../config/order.ts";
import type { JobSettings, Settings } from "../config/schema.ts";
import {
	resolveStopTimeout,
	type StopTimeout,
} from "../config/stop-timeout.ts";
import { validateConfig } from "../config/validate.ts";
import { formatDuration } from "../duration.ts";
import { type Budget, checkBudget, planBudget } from "../supervisor/budget.ts";
import { hintsOf } from "./hints.ts";

export interface CheckOptions {
	readonly config: string | undefined;
	readonly stopTimeoutMs: number | undefined;
}

/** @throws {UserError} that names every mistake. */
export async function check(
	{ config, stopTimeoutMs }: CheckOptions,
	env: NodeJS.ProcessEnv,
): Promise<string> {
	const loaded = await loadConfig(config);
	const settings = validateConfig(loaded, env);
	const timeout = resolveStopTimeout(stopTimeoutMs, env, settings.stopTimeout);
	const budget = planBudget(timeout.ms, settings.drainDelay);
	checkBudget(budget);
	const hints = hintsOf(settings, budget.jobsMs);
	const lines = [
		hints.length === 0
			? `${loaded.path} is fine`
			: `${loaded.path} can be used, but look at this:`,
		...hints.map((hint) => `  ${hint}`),
		"",
		...renderPlan(settings, timeout, budget),
	];
	return `${lines.join("\n")}\n`;
}

/** The plan in words: what starts after what, and how the stop timeout is spent. */
export function renderPlan(
	settings: Settings,
	{ ms, source }: StopTimeout,
	{ jobsMs, drainMs }: Budget,
): string[] {
	const dependencies = new Map(
		Object.entries(settings.jobs).map(([name, job]) => [name, job.dependsOn]),
	);
	const waves = orderInWaves(dependencies).map((names, index) => [
		`Wave ${index + 1}`,
		...names.map((name) => `  ${describeJob(name, settings.jobs[name])}`),
	]);
	const drain =
		drainMs > 0
			? `, the first ${formatDuration(drainMs)} of it for load balancers to notice`
			: "";
	return [
		...waves.flat(),
		"",
		`Stop timeout ${formatDuration(ms)} (${source})`,
		`The waves stop in the opposite order; all jobs together have ${formatDuration(jobsMs)}${drain}`,
		`The last ${formatDuration(ms - jobsMs)} are kept for late jobs, stragglers and the report`,
	];
}

function describeJob(name: string, job: JobSettings | undefined): string {
	if (!job) return name;
	const facts = [
		"thread" in job ? `thread ${job.thread}` : job.command.join(" "),
		job.dependsOn.length > 0 && `after ${job.dependsOn.join(", ")}`,
		job.readiness !== undefined &&
			`ready by ${describeReadiness(job.readiness)}`,
		job.restart !== "no" && `restart ${job.restart}`,
		job.stopTimeout !== undefined &&
			`stop timeout ${formatDuration(job.stopTimeout)}`,
		!job.essential && "not essential",
	];
	return `${name}: ${facts.filter((fact) => fact !== false).join("; ")}`;
}

function describeReadiness(
	readiness: NonNullable<JobSettings["readiness"]>,
): string {
	if (typeof readiness === "string") return readiness;
	return "http" in readiness ? readiness.http : `tcp ${readiness.tcp}`;
}
