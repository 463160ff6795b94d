/** What a shape cannot say of a configuration: that files and programs are there, and that the names fit together. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { attempt, show, showKey, showPath } from "../base/errors.ts";
import { findCycle } from "./order.ts";
import type { JobSettings, ProcessSettings } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** A mistake, as it goes on after "Cannot use ". */
export type Mistake = string;

/** Resolves the paths of a job against the configuration's folder, in place, and says what is not there. */
export function checkJob(name: string, job: JobSettings, configPath: string, env: NodeJS.ProcessEnv): Mistake[] {
	const folder = dirname(configPath);
	const mistakes: Mistake[] = [];
	if ("thread" in job) {
		const file = resolve(folder, job.thread);
		if (!existsSync(file))
			mistakes.push(`jobs.${showKey(name)}.thread: ${show(job.thread)} not found (looked at ${showPath(file)})`);
		job.thread = file;
	} else mistakes.push(...checkCommand(name, job, folder, env));
	if (job.readiness === "exit" && job.restart === "always")
		mistakes.push(
			`jobs.${showKey(name)}.restart: found "always" of a job that is ready when it has ended, expected "no" or "on-failure"`,
		);
	return mistakes;
}

/** @param jobs What each job depends on; every job is a key. */
export function checkDependencies(jobs: ReadonlyMap<string, readonly string[]>): Mistake[] {
	const names = [...jobs.keys()];
	const mistakes = names.flatMap((name) =>
		(jobs.get(name) ?? [])
			.filter((dependency) => !jobs.has(dependency))
			.map(
				(dependency) =>
					`jobs.${showKey(name)}.dependsOn: no job is called ${show(dependency)}${suggest(dependency, names)}`,
			),
	);
	const cycle = findCycle(jobs);
	if (cycle)
		mistakes.push(
			`jobs.${showKey(cycle[0])}.dependsOn: found a cycle (${cycleInWords(cycle)}), so none of them could ever start`,
		);
	return mistakes;
}

/** So many jobs of a cycle are named. */
const NAMED = 20;

function cycleInWords(cycle: readonly string[]): string {
	if (cycle.length <= NAMED) return cycle.join(" → ");
	const [first = ""] = cycle;
	return [...cycle.slice(0, NAMED), "…", first].join(" → ");
}

function checkCommand(name: string, job: ProcessSettings, folder: string, env: NodeJS.ProcessEnv): Mistake[] {
	const cwd = job.cwd === undefined ? process.cwd() : resolve(folder, job.cwd);
	const mistakes = attempt(() => statSync(cwd).isDirectory())
		? []
		: [`jobs.${showKey(name)}.cwd: ${show(job.cwd)} is no folder (looked at ${showPath(cwd)})`];
	job.cwd = cwd;
	const [program = ""] = job.command;
	const path = { ...env, ...job.env }.PATH ?? "";
	const candidates = program.includes("/")
		? [resolve(cwd, program)]
		: path.split(delimiter).map((entry) => resolve(cwd, entry, program));
	if (candidates.some(isExecutable)) return mistakes;
	if (program.includes("/"))
		return [
			...mistakes,
			`jobs.${showKey(name)}.command: ${show(program)} not found as a program (looked at ${showPath(candidates[0] ?? "")})`,
		];
	const local = findLocalBinary(program, folder);
	if (local === undefined)
		return [
			...mistakes,
			`jobs.${showKey(name)}.command: ${show(program)} not found as a program (looked on PATH, ${showPath(path)}, and in node_modules/.bin)`,
		];
	job.command[0] = local;
	return mistakes;
}

// ==== from local-binary.ts

/** A project's own programs: `next` of `node_modules/.bin`, as in the scripts of package.json. */

/** What marks the root of a project, the surest first: a workspace has several package.json, and one lock file. */
const ROOT_MARKS = [
	[".git", "bun.lock", "npm-shrinkwrap.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock"],
	["package.json"],
];

/**
 * Finds a program in `node_modules/.bin` of a folder, or of one above it in the same project.
 *
 * Not all folders up to `/`, and not for the job's environment: what stands above a project is somebody else's.
 *
 * @returns Its absolute path.
 */
export function findLocalBinary(program: string, folder: string): string | undefined {
	const folders = foldersUpTo(findRoot(folder), folder);
	return folders.map((at) => join(at, "node_modules/.bin", program)).find(isExecutable);
}

export function isExecutable(file: string): boolean {
	return (
		attempt(() => {
			accessSync(file, constants.X_OK);
			return statSync(file).isFile();
		}) ?? false
	);
}

function findRoot(folder: string): string {
	const above = foldersUpTo("/", folder);
	const has = (at: string) => (name: string) => existsSync(join(at, name));
	for (const marks of ROOT_MARKS) {
		const root = above.find((at) => marks.some(has(at)));
		if (root !== undefined) return root;
	}
	return folder;
}

/** A folder and those above it, as far as another one. */
function foldersUpTo(last: string, folder: string): string[] {
	const folders = [folder];
	for (let at = folder; at !== last && at !== dirname(at); ) {
		at = dirname(at);
		folders.push(at);
	}
	return folders;
}
