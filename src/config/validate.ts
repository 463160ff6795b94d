/** Checks a configuration whole, before anything is started, and says all mistakes at once. */

import { errorInfo, show, showKey, UserError } from "../base/errors.ts";
import { checkDependencies, checkJob, type Mistake } from "./checks.ts";
import type { LoadedConfig } from "./load.ts";
import { type CheckedConfig, configSchema, type JobSettings } from "./schema.ts";
import * as v from "./validator.ts";

/** So many mistakes are told in one message. */
const TOLD = 100;
/** Of a job's name: each line of its log has it. */
const MAX_NAME = 64;
const NAME = /^[A-Za-z0-9_][\w.-]*$/;

/**
 * @returns The settings, with absolute paths.
 * @throws {UserError} that names every mistake by its path.
 */
export function validateConfig({ path, value }: LoadedConfig, env: NodeJS.ProcessEnv = process.env): CheckedConfig {
	const result = parse(path, value);
	const mistakes = (result.issues ?? []).map((issue) => `${pathOf(issue)}: ${issue.message}`);
	const faulty = new Set(result.issues?.map(jobOf));
	// Jobs are checked further even if others, or other fields of theirs, have not the right shape.
	const jobs = readJobs(result.output);
	for (const [name, job] of jobs) {
		const known = faulty.has(name) ? knownOf(job) : (job as JobSettings);
		if (known) mistakes.push(...checkJob(name, known, path, env));
	}
	mistakes.push(...checkNames(value, jobs));

	if (mistakes.length === 0) return result.output as CheckedConfig;
	const all = [...new Set(mistakes)];
	const list = all.slice(0, TOLD).map((line) => `  Cannot use ${line}`);
	if (all.length > TOLD) list.push(`  (and ${all.length - TOLD} more mistakes)`);
	throw new UserError(`Cannot use the configuration ${path}:\n${list.join("\n")}`);
}

/** The value may be a program's: a getter or a Proxy in it can throw whatever it likes. */
function parse(path: string, value: unknown) {
	try {
		return v.safeParse(configSchema, value);
	} catch (error) {
		throw new UserError(`Cannot use the configuration ${path}: reading it failed: ${errorInfo(error).message}`);
	}
}

function pathOf({ path }: v.BaseIssue<unknown>): string {
	return path?.map(({ key }) => showKey(key)).join(".") ?? "the value";
}

function jobOf({ path }: v.BaseIssue<unknown>): unknown {
	return path?.[0]?.key === "jobs" ? path[1]?.key : undefined;
}

function readJobs(output: unknown): Map<string, unknown> {
	const { jobs } = (output ?? {}) as { jobs?: unknown };
	return new Map(isObject(jobs) ? Object.entries(jobs) : []);
}

/** Of a job with mistakes what the further checks look at, as far as it has the right shape. */
function knownOf(job: unknown): JobSettings | undefined {
	if (!isObject(job)) return undefined;
	const { thread, command, cwd, env, readiness, restart } = job;
	const texts = Object.entries(isObject(env) ? env : {}).filter(([, value]) => typeof value === "string");
	const known = { readiness, restart, env: Object.fromEntries(texts) };
	if (typeof thread === "string") return { ...known, thread } as unknown as JobSettings;
	if (!isTexts(command) || command.length === 0) return undefined;
	return {
		...known,
		command: [...command],
		cwd: typeof cwd === "string" ? cwd : undefined,
	} as unknown as JobSettings;
}

function isTexts(value: unknown): value is string[] {
	return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Names are checked as they were written: those of a job with mistakes count, too. */
function checkNames(value: unknown, accepted: ReadonlyMap<string, unknown>): Mistake[] {
	if (!isObject(value) || !isObject(value.jobs)) return [];
	const { jobs } = value;
	const mistakes = Object.keys(jobs)
		// `constructor` and the like are left out in silence by the validator.
		.filter((name) => !isName(name) || !accepted.has(name))
		.map(
			(name) =>
				`jobs.${showKey(name)}: found the name ${show(name)}, expected letters, digits, "_", "." and "-", at most ${MAX_NAME} of them, and no name of JavaScript's own`,
		);
	const dependencies = Object.entries(jobs).map(([name, job]) => [name, listDependencies(job)] as const);
	return [...mistakes, ...checkDependencies(new Map(dependencies))];
}

function isName(name: string): boolean {
	return name.length <= MAX_NAME && NAME.test(name);
}

function listDependencies(job: unknown): string[] {
	if (!isObject(job) || !Array.isArray(job.dependsOn)) return [];
	return job.dependsOn.filter((name) => typeof name === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
