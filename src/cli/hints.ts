/**
 * What `lastcall check` sees beside mistakes: things that will most likely go wrong, found without running anything. Where it is not
 * sure it says nothing.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type {
	JobSettings,
	ProcessSettings,
	Settings,
	ThreadSettings,
} from "../config/schema.ts";
import { formatDuration } from "../duration.ts";
import { attempt } from "../errors.ts";
import { show, showKey } from "../show.ts";

/** @param jobsMs What all jobs together have to stop. */
export function hintsOf({ jobs }: Settings, jobsMs: number): string[] {
	return Object.entries(jobs).flatMap(([name, job]) =>
		hintsOfJob(job, jobsMs).map((hint) => `jobs.${showKey(name)}.${hint}`),
	);
}

function hintsOfJob(job: JobSettings, jobsMs: number): string[] {
	const { stopTimeout } = job;
	return [
		...("thread" in job ? hintsOfThread(job) : hintsOfProcess(job)),
		...(stopTimeout !== undefined && stopTimeout > jobsMs
			? [
					`stopTimeout: ${formatDuration(stopTimeout)} is more than all jobs together have, ${formatDuration(jobsMs)}`,
				]
			: []),
		...Object.entries(job.env)
			.filter(([, value]) => VARIABLE.test(value))
			.map(([key, value]) => unexpanded(`env.${showKey(key)}`, value)),
	];
}

/** Nothing expands it: neither lastcall, nor a shell. */
const VARIABLE = /\$\{\w+\}/;

function unexpanded(field: string, value: string): string {
	return `${field}: ${show(value)} stays as it is, nothing expands variables here; write a configuration in TypeScript, or [sh, -c, "exec …"]`;
}

function hintsOfThread({ thread }: ThreadSettings): string[] {
	const text = attempt(() => readFileSync(thread, "utf8"));
	// Whatever might be one counts: `export * from`, `module.exports`, a default among the names.
	if (text === undefined || /\bdefault\b|export\s*\*|exports/.test(text))
		return [];
	return [
		`thread: ${show(thread)} has no default export, expected the job's function: export default async function ({flag}) {…}`,
	];
}

/** Node.js's own options that take their value as the next argument are not looked through. */
function hintsOfProcess({ command, cwd }: ProcessSettings): string[] {
	const [program = "", first = "", second = ""] = command;
	const name = basename(program);
	const hints = command
		.filter(
			(argument) => name !== "sh" && name !== "bash" && VARIABLE.test(argument),
		)
		.map((argument) => unexpanded("command", argument));
	if (/^node(js)?$/.test(name) && /^[^-].*\.[cm]?[jt]s$/.test(first)) {
		const file = resolve(cwd ?? ".", first);
		if (!existsSync(file))
			hints.push(`command: ${show(first)} not found (looked at ${file})`);
	}
	if (/^(npm|npx|pnpm|yarn)$/.test(name))
		hints.push(
			`command: ${name} stands between lastcall and the program; that costs a process, its memory and the time of its start: name the program itself, [node, server.js] or one of node_modules/.bin`,
		);
	if (/^(ba|da)?sh$/.test(name) && first === "-c" && isWrapped(second))
		hints.push(
			`command: a shell stands between lastcall and the program; write [sh, -c, "exec …"]`,
		);
	return hints;
}

/** One simple command without `exec`: the shell only waits for it. */
function isWrapped(script: string): boolean {
	return (
		/^\s*[\w./-]+(\s+[\w./:=@-]+)*\s*$/.test(script) &&
		!/^\s*exec\b/.test(script)
	);
}
