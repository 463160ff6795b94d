/** Checks a configuration whole, before anything is started, and says all mistakes at once. */
import { UserError } from "../errors.ts";
import { checkDependencies, checkJob, type Mistake } from "./checks.ts";
import { v } from "./fields.ts";
import type { LoadedConfig } from "./load.ts";
import { configSchema, type JobSettings, type Settings } from "./schema.ts";

const NAME = /^[A-Za-z0-9_][\w.-]*$/;

/**
 * @returns The settings, with absolute paths.
 * @throws {UserError} that names every mistake by its path.
 */
export function validateConfig(
	{ path, value }: LoadedConfig,
	env: NodeJS.ProcessEnv = process.env,
): Settings {
	const result = v.safeParse(configSchema, value);
	const mistakes = (result.issues ?? []).map(
		(issue) => `${v.getDotPath(issue) ?? "the value"}: ${issue.message}`,
	);
	const faulty = new Set(result.issues?.map(jobOf));
	// Jobs that have the right shape are checked further even if others have not.
	const jobs = readJobs(result.output);
	for (const [name, job] of jobs)
		if (!faulty.has(name))
			mistakes.push(...checkJob(name, job as JobSettings, path, env));
	mistakes.push(...checkNames(value, jobs));

	if (mistakes.length === 0) return result.output as Settings;
	const list = mistakes.map((line) => `  Cannot use ${line}`).join("\n");
	throw new UserError(`Cannot use the configuration ${path}:\n${list}`);
}

function jobOf({ path }: v.BaseIssue<unknown>): unknown {
	return path?.[0]?.key === "jobs" ? path[1]?.key : undefined;
}

function readJobs(output: unknown): Map<string, unknown> {
	const { jobs } = (output ?? {}) as { jobs?: unknown };
	return new Map(isObject(jobs) ? Object.entries(jobs) : []);
}

/** Names are checked as they were written: those of a job with mistakes count, too. */
function checkNames(
	value: unknown,
	accepted: ReadonlyMap<string, unknown>,
): Mistake[] {
	if (!isObject(value) || !isObject(value.jobs)) return [];
	const { jobs } = value;
	const mistakes = Object.keys(jobs)
		// `constructor` and the like are left out in silence by the validator.
		.filter((name) => !NAME.test(name) || !accepted.has(name))
		.map(
			(name) =>
				`jobs.${name}: found the name ${JSON.stringify(name)}, expected letters, digits, "_", "." and "-", and no name of JavaScript's own`,
		);
	const dependencies = Object.entries(jobs).map(
		([name, job]) => [name, listDependencies(job)] as const,
	);
	return [...mistakes, ...checkDependencies(new Map(dependencies))];
}

function listDependencies(job: unknown): string[] {
	if (!isObject(job) || !Array.isArray(job.dependsOn)) return [];
	return job.dependsOn.filter((name) => typeof name === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null;
}
