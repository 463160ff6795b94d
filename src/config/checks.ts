/** Checks what a schema cannot express: that files and programs exist, and that the jobs' names fit together. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { attempt, show, showKey, showPath } from "../base/errors.ts";
import { type Dependencies, findCycle } from "./order.ts";
import type { JobSettings, ProcessSettings } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** The part of an error message that follows "Cannot use ". */
export type Mistake = string;

/** A message names at most this many jobs of a cycle. */
const NAMED = 20;

/**
 * Files that mark the root of a project, the most reliable ones first: a workspace has several package.json files, but
 * only one lock file.
 */
const ROOT_MARKS = [
	[".git", "bun.lock", "npm-shrinkwrap.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock"],
	["package.json"],
];

/**
 * Checks that the files, folders and programs of a job exist. Makes the job's paths absolute, in place: they are
 * relative to the configuration's folder.
 */
export function checkJob(name: string, job: JobSettings, configPath: string, env: NodeJS.ProcessEnv): Mistake[] {
	const folder = dirname(configPath);
	const mistakes: Mistake[] = [];
	if ("thread" in job) {
		const file = resolve(folder, job.thread);
		if (!existsSync(file)) mistakes.push(`thread: ${show(job.thread)} not found (looked at ${showPath(file)})`);
		job.thread = file;
	} else mistakes.push(...checkCommand(job, folder, env));
	if (job.readiness === "exit" && job.restart === "always")
		mistakes.push('restart: found "always" together with readiness "exit", expected "no" or "on-failure"');
	return mistakes.map((mistake) => `jobs.${showKey(name)}.${mistake}`);
}

/** @param jobs Every job, with the jobs that it depends on. */
export function checkDependencies(jobs: Dependencies): Mistake[] {
	const names = [...jobs.keys()];
	const mistakes = [...jobs].flatMap(([name, dependencies]) =>
		dependencies
			.filter((other) => !jobs.has(other))
			.map((other) => `jobs.${showKey(name)}.dependsOn: no job is called ${show(other)}${suggest(other, names)}`),
	);
	const [first = "", ...rest] = findCycle(jobs) ?? [];
	if (rest.length === 0) return mistakes;
	const shown = rest.length < NAMED ? rest : [...rest.slice(0, NAMED - 1), "…", first];
	const cycle = [first, ...shown].join(" → ");
	return [...mistakes, `jobs.${showKey(first)}.dependsOn: found a cycle (${cycle}), so none of them could ever start`];
}

function checkCommand(job: ProcessSettings, folder: string, env: NodeJS.ProcessEnv): Mistake[] {
	const mistakes: Mistake[] = [];
	const cwd = job.cwd === undefined ? process.cwd() : resolve(folder, job.cwd);
	if (!attempt(() => statSync(cwd).isDirectory()))
		mistakes.push(`cwd: ${show(job.cwd)} is not a folder (looked at ${showPath(cwd)})`);
	job.cwd = cwd;

	const [program = ""] = job.command;
	const path = { ...env, ...job.env }.PATH ?? "";
	const isPath = program.includes("/");
	const candidates = (isPath ? [""] : path.split(delimiter)).map((entry) => resolve(cwd, entry, program));
	if (candidates.some(isExecutable)) return mistakes;
	const local = isPath ? undefined : findLocalBinary(program, folder);
	if (local !== undefined) {
		job.command[0] = local;
		return mistakes;
	}
	const looked = isPath
		? `at ${showPath(candidates[0] ?? "")}`
		: `on PATH, ${showPath(path)}, and in node_modules/.bin`;
	return [...mistakes, `command: ${show(program)} not found as a program (looked ${looked})`];
}

/**
 * Finds a program of the project, as scripts in package.json do: in `node_modules/.bin` of the folder, or of a folder
 * above it in the same project. The search ends at the root of the project, because folders above it may belong to
 * somebody else.
 */
function findLocalBinary(program: string, folder: string): string | undefined {
	const folders = [folder];
	for (let at = dirname(folder); at !== folders.at(-1); at = dirname(at)) folders.push(at);
	const roots = ROOT_MARKS.map((marks) => folders.findIndex((at) => marks.some((mark) => existsSync(join(at, mark)))));
	const root = roots.find((index) => index >= 0) ?? 0;
	return folders
		.slice(0, root + 1)
		.map((at) => join(at, "node_modules/.bin", program))
		.find(isExecutable);
}

function isExecutable(file: string): boolean {
	const isFile = attempt(() => {
		accessSync(file, constants.X_OK);
		return statSync(file).isFile();
	});
	return isFile === true;
}
