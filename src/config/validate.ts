/** Validates a configuration before anything is started, and reports all mistakes at once. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { attempt, errorInfo, show, showKey, showPath, UserError } from "../base/errors.ts";
import { readVariables } from "./environment.ts";
import { isObject } from "./explain.ts";
import type { LoadedConfig } from "./load.ts";
import { type Dependencies, findCycle } from "./order.ts";
import {
	type CheckedConfig,
	type FunctionSettings,
	type JobSettings,
	type ProcessSettings,
	parseConfig,
} from "./schema.ts";
import { suggest } from "./suggest.ts";

/** The part of an error message that follows "Cannot use ". */
type Mistake = string;

/** A message names at most this many mistakes, and jobs of a cycle. */
const MAX_MISTAKES = 100;
const MAX_CYCLE = 20;
/** A job's name is part of each line of its log. */
const MAX_NAME = 64;
const NAME = /^[A-Za-z0-9_][\w.-]*$/;

/**
 * Files that mark the root of a project, the most reliable ones first: a workspace has several package.json files, but
 * only one lock file.
 */
const ROOT_MARKS = [
	[".git", "bun.lock", "npm-shrinkwrap.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock"],
	["package.json"],
];

/**
 * @returns The settings, with absolute paths.
 * @throws {UserError} if there are mistakes: the message gives the place of each one in the configuration.
 */
export function validateConfig(
	{ path, value, origin = path }: LoadedConfig,
	env: NodeJS.ProcessEnv = process.env,
): CheckedConfig {
	const { output, issues = [] } = parse(origin, value);
	const mistakes = issues.map(({ path, message }) => {
		const place = path?.map(({ key }) => showKey(key)).join(".") ?? "the value";
		return `${place}: ${message}`;
	});
	const faulty = new Set(issues.map(({ path }) => (path?.[0]?.key === "jobs" ? path[1]?.key : undefined)));
	const jobs = isObject(output) && isObject(output.jobs) ? output.jobs : {};
	for (const [name, job] of Object.entries(jobs)) {
		const known = faulty.has(name) ? validPart(job) : (job as JobSettings);
		if (known) mistakes.push(...checkJob(name, known, path, env));
	}
	mistakes.push(...checkNames(value, jobs));

	if (mistakes.length === 0) return output as CheckedConfig;
	const all = [...new Set(mistakes)];
	const list = all.slice(0, MAX_MISTAKES).map((mistake) => `  Cannot use ${mistake}`);
	if (all.length > MAX_MISTAKES) list.push(`  (and ${all.length - MAX_MISTAKES} more mistakes)`);
	throw new UserError(`Cannot use the configuration ${origin}:\n${list.join("\n")}`);
}

/** The value may come from a program: a getter or a Proxy in it can throw anything. */
function parse(origin: string, value: unknown): ReturnType<typeof parseConfig> {
	try {
		return parseConfig(value);
	} catch (error) {
		throw new UserError(`Cannot use the configuration ${origin}: reading it failed: ${errorInfo(error).message}`);
	}
}

/** The fields of a faulty job that checkJob() reads, as far as they are valid. */
function validPart(job: unknown): JobSettings | undefined {
	if (!isObject(job)) return undefined;
	const { thread, process, command, cwd, env, envFile } = job;
	const { readiness, restart, schedule, timeZone, overlap, startTimeout } = job;
	const rest = { readiness, restart, schedule, timeZone, overlap, startTimeout };
	const variables = Object.entries(isObject(env) ? env : {}).filter(
		([, value]) => typeof (isObject(value) ? value.file : value) === "string",
	);
	const files = [envFile].flat().flatMap((file) => {
		const { path, required } = isObject(file) ? file : { path: file };
		return typeof path === "string" ? [{ path, required: required !== false }] : [];
	});
	const part: object = { ...rest, envFile: files, env: Object.fromEntries(variables) };
	if (typeof thread === "string") return { ...part, thread } as JobSettings;
	if (typeof process === "string")
		return { ...part, process, cwd: typeof cwd === "string" ? cwd : undefined } as JobSettings;
	if (!Array.isArray(command) || command.length !== textsIn(command).length || command.length === 0) return undefined;
	return { ...part, command: [...command], cwd: typeof cwd === "string" ? cwd : undefined } as JobSettings;
}

/** The texts in a list. A value that is no list has none. */
function textsIn(values: unknown): string[] {
	return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}

/**
 * Checks that the files, folders and programs of a job exist. Makes the job's paths absolute, in place: they are
 * relative to the configuration's folder.
 */
function checkJob(name: string, job: JobSettings, configPath: string, env: NodeJS.ProcessEnv): Mistake[] {
	const folder = dirname(configPath);
	const mistakes: Mistake[] = [];
	job.variables = readVariables(job, folder, (mistake) => mistakes.push(mistake));
	const findFile = (kind: "thread" | "process", written: string) => {
		const file = resolve(folder, written);
		if (!existsSync(file)) mistakes.push(`${kind}: ${show(written)} not found (looked at ${showPath(file)})`);
		return file;
	};
	if ("thread" in job) job.thread = findFile("thread", job.thread);
	else mistakes.push(...checkFolder(job, folder));
	if ("process" in job) job.process = findFile("process", job.process);
	if ("command" in job) mistakes.push(...checkCommand(job, folder, env));
	if (job.readiness === "exit" && job.restart === "always")
		mistakes.push('restart: found "always" together with readiness "exit", expected "no" or "on-failure"');
	const { liveness } = job;
	if (liveness?.command) {
		const cwd = "cwd" in job ? job.cwd : undefined;
		const mistakesOfCheck = checkCommand({ command: liveness.command, cwd, variables: job.variables }, folder, env);
		mistakes.push(...mistakesOfCheck.map((mistake) => `liveness.${mistake}`));
	}
	if (liveness?.explicit !== undefined && "command" in job)
		mistakes.push("liveness.explicit: only a job that is a function has this field: WATCHDOG=1 is always explicit");
	mistakes.push(...checkSchedule(job));
	job.essential ??= job.schedule === undefined;
	job.overlap ??= "skip";
	return mistakes.map((mistake) => `jobs.${showKey(name)}.${mistake}`);
}

function checkSchedule({ schedule, timeZone, overlap, readiness, startTimeout, restart }: JobSettings): Mistake[] {
	const alone = "found it without a schedule, expected both or none";
	if (schedule === undefined)
		return [timeZone !== undefined && `timeZone: ${alone}`, overlap !== undefined && `overlap: ${alone}`].filter(
			(mistake) => mistake !== false,
		);
	const mistakes: Mistake[] = [];
	if (timeZone !== undefined && typeof schedule !== "string")
		mistakes.push("timeZone: found it together with an interval, expected it only with a cron expression");
	if (readiness !== undefined)
		mistakes.push("readiness: found it together with a schedule, expected none: nothing waits for a scheduled job");
	if (startTimeout !== undefined)
		mistakes.push("startTimeout: found it together with a schedule, expected none: a run is ready when it has started");
	if (restart === "always")
		mistakes.push('restart: found "always" together with a schedule, expected "no" or "on-failure"');
	return mistakes;
}

function checkFolder(job: ProcessSettings | FunctionSettings, folder: string): Mistake[] {
	const cwd = job.cwd === undefined ? process.cwd() : resolve(folder, job.cwd);
	const isFolder = attempt(() => statSync(cwd).isDirectory());
	const mistakes = isFolder ? [] : [`cwd: ${show(job.cwd)} is not a folder (looked at ${showPath(cwd)})`];
	job.cwd = cwd;
	return mistakes;
}

/** Call it after {@link checkFolder}, which has made `cwd` absolute. */
function checkCommand(
	job: Pick<ProcessSettings, "command" | "cwd" | "variables">,
	folder: string,
	env: NodeJS.ProcessEnv,
): Mistake[] {
	const { cwd = process.cwd() } = job;
	const [program = ""] = job.command;
	const path = { ...env, ...job.variables }.PATH ?? "";
	const isPath = program.includes("/");
	const candidates = (isPath ? [""] : path.split(delimiter)).map((entry) => resolve(cwd, entry, program));
	if (candidates.some(isExecutable)) return [];
	const local = isPath ? undefined : findLocalBinary(program, folder);
	if (local !== undefined) {
		job.command[0] = local;
		return [];
	}
	const where = isPath ? `at ${showPath(candidates[0] ?? "")}` : `on PATH, ${showPath(path)}, and in node_modules/.bin`;
	return [`command: ${show(program)} not found as a program (looked ${where})`];
}

/**
 * Finds a program of the project, as scripts in package.json do: in `node_modules/.bin` of the folder, or of a folder
 * above it in the same project. The folders above the root of the project may belong to somebody else.
 */
function findLocalBinary(program: string, folder: string): string | undefined {
	const folders = [folder];
	for (let at = dirname(folder); at !== folders.at(-1); at = dirname(at)) folders.push(at);
	const roots = ROOT_MARKS.map((marks) => folders.findIndex((at) => marks.some((mark) => existsSync(join(at, mark)))));
	const root = roots.find((index) => index >= 0) ?? 0;
	const candidates = folders.slice(0, root + 1).map((at) => join(at, "node_modules/.bin", program));
	return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
	const isFile = () => {
		accessSync(file, constants.X_OK);
		return statSync(file).isFile();
	};
	return attempt(isFile) ?? false;
}

/** Checks the names as they were written: valibot's output lacks some of them. */
function checkNames(value: unknown, accepted: object): Mistake[] {
	if (!isObject(value) || !isObject(value.jobs)) return [];
	const jobs = Object.entries(value.jobs);
	const mistakes = jobs
		// valibot leaves out `constructor` and the like, and reports nothing.
		.filter(([name]) => name.length > MAX_NAME || !NAME.test(name) || !Object.hasOwn(accepted, name))
		.map(
			([name]) =>
				`jobs.${showKey(name)}: found the name ${show(name)}, expected letters, digits, "_", "." and "-", at most ${MAX_NAME} of them, no "." or "-" at the beginning, and no name of JavaScript's own`,
		);
	const dependencies = jobs.map(([name, job]) => [name, textsIn(isObject(job) && job.dependsOn)] as const);
	const scheduled = new Set(jobs.flatMap(([name, job]) => (isObject(job) && job.schedule !== undefined ? [name] : [])));
	const onScheduled = dependencies.flatMap(([name, others]) =>
		others
			.filter((other) => scheduled.has(other))
			.map(
				(other) =>
					`jobs.${showKey(name)}.dependsOn: ${show(other)} has a schedule, expected a job that is ready and stays so`,
			),
	);
	return [...mistakes, ...onScheduled, ...checkDependencies(new Map(dependencies))];
}

/** @param jobs Every job, with the jobs that it depends on. */
function checkDependencies(jobs: Dependencies): Mistake[] {
	const names = [...jobs.keys()];
	const mistakes = [...jobs].flatMap(([name, dependencies]) =>
		dependencies
			.filter((other) => !jobs.has(other))
			.map((other) => `jobs.${showKey(name)}.dependsOn: no job is called ${show(other)}${suggest(other, names)}`),
	);
	const [first = "", ...rest] = findCycle(jobs) ?? [];
	if (rest.length === 0) return mistakes;
	const shown = rest.length < MAX_CYCLE ? rest : [...rest.slice(0, MAX_CYCLE - 1), "…", first];
	const cycle = [first, ...shown].join(" → ");
	return [...mistakes, `jobs.${showKey(first)}.dependsOn: found a cycle (${cycle}), so none of them could ever start`];
}
