/** Validates a configuration before anything is started, and reports all mistakes at once. */
import { errorInfo, show, showKey, UserError } from "../base/errors.ts";
import { checkDependencies, checkJob, type Mistake } from "./checks.ts";
import type { LoadedConfig } from "./load.ts";
import { type CheckedConfig, configSchema, type JobSettings } from "./schema.ts";
import * as v from "./validator.ts";

/** A message names at most this many mistakes. */
const REPORTED = 100;
/** A job's name is part of each line of its log. */
const MAX_NAME = 64;
const NAME = /^[A-Za-z0-9_][\w.-]*$/;

/**
 * @returns The settings, with absolute paths.
 * @throws {UserError} if there are mistakes: the message gives the place of each one in the configuration.
 */
export function validateConfig({ path, value }: LoadedConfig, env: NodeJS.ProcessEnv = process.env): CheckedConfig {
	const { output, issues = [] } = parse(path, value);
	const mistakes = issues.map((issue) => `${placeOf(issue)}: ${issue.message}`);
	const faulty = new Set(issues.map(({ path }) => (path?.[0]?.key === "jobs" ? path[1]?.key : undefined)));
	const jobs = isObject(output) && isObject(output.jobs) ? output.jobs : {};
	for (const [name, job] of Object.entries(jobs)) {
		const known = faulty.has(name) ? validPart(job) : (job as JobSettings);
		if (known) mistakes.push(...checkJob(name, known, path, env));
	}
	mistakes.push(...checkNames(value, jobs));

	if (mistakes.length === 0) return output as CheckedConfig;
	const all = [...new Set(mistakes)];
	const list = all.slice(0, REPORTED).map((mistake) => `  Cannot use ${mistake}`);
	if (all.length > REPORTED) list.push(`  (and ${all.length - REPORTED} more mistakes)`);
	throw new UserError(`Cannot use the configuration ${path}:\n${list.join("\n")}`);
}

/** The value may come from a program: a getter or a Proxy in it can throw anything. */
function parse(path: string, value: unknown) {
	try {
		return v.safeParse(configSchema, value);
	} catch (error) {
		throw new UserError(`Cannot use the configuration ${path}: reading it failed: ${errorInfo(error).message}`);
	}
}

function placeOf({ path }: v.BaseIssue<unknown>): string {
	return path?.map(({ key }) => showKey(key)).join(".") ?? "the value";
}

/** The fields of a faulty job that checkJob() reads, as far as they are valid. */
function validPart(job: unknown): JobSettings | undefined {
	if (!isObject(job)) return undefined;
	const { thread, command, cwd, env, readiness, restart } = job;
	const variables = Object.entries(isObject(env) ? env : {}).filter(([, value]) => typeof value === "string");
	const part = { readiness, restart, env: Object.fromEntries(variables) };
	if (typeof thread === "string") return { ...part, thread } as JobSettings;
	if (!Array.isArray(command) || command.length !== textsIn(command).length || command.length === 0) return undefined;
	return { ...part, command: [...command], cwd: typeof cwd === "string" ? cwd : undefined } as JobSettings;
}

/** Checks the names as they were written: the validator's output lacks some of them. */
function checkNames(value: unknown, accepted: object): Mistake[] {
	if (!isObject(value) || !isObject(value.jobs)) return [];
	const jobs = Object.entries(value.jobs);
	const mistakes = jobs
		// The validator leaves out `constructor` and the like, and reports nothing.
		.filter(([name]) => name.length > MAX_NAME || !NAME.test(name) || !Object.hasOwn(accepted, name))
		.map(
			([name]) =>
				`jobs.${showKey(name)}: found the name ${show(name)}, expected letters, digits, "_", "." and "-", at most ${MAX_NAME} of them, no "." or "-" at the beginning, and no name of JavaScript's own`,
		);
	const dependencies = jobs.map(
		([name, job]) => [name, isObject(job) && Array.isArray(job.dependsOn) ? textsIn(job.dependsOn) : []] as const,
	);
	return [...mistakes, ...checkDependencies(new Map(dependencies))];
}

function textsIn(values: unknown[]): string[] {
	return values.filter((value) => typeof value === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
