/** What a shape cannot say of a configuration: that files and programs are there, and that the names fit together. */
import { existsSync, statSync } from "node:fs";
import { delimiter, dirname, resolve } from "node:path";
import { attempt } from "../errors.ts";
import { show, showKey, showPath } from "../show.ts";
import { findLocalBinary, isExecutable } from "./local-binary.ts";
import { findCycle } from "./order.ts";
import type { JobSettings, ProcessSettings } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** A mistake, as it goes on after "Cannot use ". */
export type Mistake = string;

/** Resolves the paths of a job against the configuration's folder, in place, and says what is not there. */
export function checkJob(
	name: string,
	job: JobSettings,
	configPath: string,
	env: NodeJS.ProcessEnv,
): Mistake[] {
	const folder = dirname(configPath);
	const mistakes: Mistake[] = [];
	if ("thread" in job) {
		const file = resolve(folder, job.thread);
		if (!existsSync(file))
			mistakes.push(
				`jobs.${showKey(name)}.thread: ${show(job.thread)} not found (looked at ${showPath(file)})`,
			);
		job.thread = file;
	} else mistakes.push(...checkCommand(name, job, folder, env));
	if (job.readiness === "exit" && job.restart === "always")
		mistakes.push(
			`jobs.${showKey(name)}.restart: found "always" of a job that is ready when it has ended, expected "no" or "on-failure"`,
		);
	return mistakes;
}

/** @param jobs What each job depends on; every job is a key. */
export function checkDependencies(
	jobs: ReadonlyMap<string, readonly string[]>,
): Mistake[] {
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

function checkCommand(
	name: string,
	job: ProcessSettings,
	folder: string,
	env: NodeJS.ProcessEnv,
): Mistake[] {
	const cwd = job.cwd === undefined ? process.cwd() : resolve(folder, job.cwd);
	const mistakes = attempt(() => statSync(cwd).isDirectory())
		? []
		: [
				`jobs.${showKey(name)}.cwd: ${show(job.cwd)} is no folder (looked at ${showPath(cwd)})`,
			];
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
