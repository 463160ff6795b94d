/** `lastcall check`: prints what `run` would do, and hints at what will most likely go wrong. It starts no job. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, relative, resolve } from "node:path";
import { attempt, errorInfo, plain, show, showKey, UserError } from "../base/errors.ts";
import { formatDuration } from "../base/time.ts";
import { fillCache, isTypeScript, stripTypes } from "../base/typescript.ts";
import type { Config } from "../config/config.ts";
import { formatMoment, parseCron } from "../config/cron.ts";
import { configOf, DEFAULT_NAMES, loadConfig } from "../config/load.ts";
import { orderInWaves } from "../config/order.ts";
import type {
	CheckedConfig,
	FunctionSettings,
	JobSettings,
	ProcessSettings,
	ThreadSettings,
} from "../config/schema.ts";
import { resolveSettings, type Settings } from "../service/settings.ts";
import type { Command } from "./args.ts";

type Liveness = NonNullable<JobSettings["liveness"]>;

/** A variable in a text. Neither lastcall nor a shell expands it. */
const VARIABLE = /\$\{\w+\}/;
/** In a command that is text also `$NAME` was most likely meant for a shell, and so was an operator between blanks. */
const FOR_SHELL = /\$(\{\w+\}|[A-Za-z_])|^(&&|\|\|?|<|\d?>.*)$/;

/** @throws {UserError} that names every mistake. */
export async function check(
	{ config, program, stopTimeoutMs }: Extract<Command, { type: "run" | "check" }>,
	env: NodeJS.ProcessEnv,
): Promise<string> {
	const loaded = program ? configOf(program) : await loadConfig(config);
	const settings = resolveSettings(loaded, { env, isTerminal: false, isInit: false, stopTimeoutMs });
	const mistakes = Object.entries(settings.jobs).flatMap(([name, job]) => syntaxErrorOf(name, job) ?? []);
	if (mistakes.length > 0) throw new UserError(`Cannot use the configuration ${loaded.path}:\n${mistakes.join("\n")}`);
	const hints = hintsOf(settings.jobs, settings.budget.jobsMs, loaded.value);
	if (config === undefined && program === undefined) {
		const others = DEFAULT_NAMES.filter((other) => other !== basename(loaded.path) && existsSync(other));
		hints.push(...others.map((other) => `${other} is not read: ${basename(loaded.path)} comes first`));
	}
	fillCache(loaded.path);
	for (const job of Object.values(settings.jobs)) if (!("command" in job)) fillCache(fileOf(job));
	const subject = loaded.origin === undefined ? loaded.path : `The configuration ${loaded.origin}`;
	const lines = [
		hints.length === 0 ? `${subject} is fine` : `${subject} can be used, but look at this:`,
		...hints.map((hint) => `  ${hint}`),
		"",
		...renderPlan(settings),
	];
	return `${lines.join("\n")}\n`;
}

/** What Node.js finds when it parses the file of a job, without running it. Imports are not followed. */
function syntaxErrorOf(name: string, job: JobSettings): string | undefined {
	if ("command" in job) return undefined;
	const file = fileOf(job);
	const source = attempt(() => readFileSync(file, "utf8"));
	if (source === undefined) return undefined;
	const found = (line = "?", message: string) =>
		`  Cannot use jobs.${showKey(name)}.${"thread" in job ? "thread" : "process"}: ${show(file)}, line ${line}: ${plain(message)}`;
	let mistake: string | undefined;
	const text = isTypeScript(file)
		? stripTypes(source, (error) => {
				const { message, stack = "" } = errorInfo(error);
				mistake = found(/^:(\d+)/.exec(stack)?.[1], message);
			})
		: source;
	if (text === undefined) return mistake;
	// Of a file that is valid as one of the two, Node.js or lastcall finds out which. The likely one says what is wrong.
	const types = /^\s*(import|export)\b(?!\s*\()/m.test(text) ? ["module", "commonjs"] : ["commonjs", "module"];
	const errors = types.map((type) => {
		const options = { input: text, encoding: "utf8" } as const;
		const { stderr } = spawnSync(process.execPath, ["--check", `--input-type=${type}`, "-"], options);
		const [message] = /^SyntaxError: .*/m.exec(stderr ?? "") ?? [];
		return message && found(/^\[stdin\]:(\d+)/m.exec(stderr)?.[1], message);
	});
	return errors.every(Boolean) ? errors[0] : undefined;
}

/** The plan in words: what starts after what, and how the stop timeout is spent. */
export function renderPlan({ jobs, stopTimeout: { ms, source }, budget: { jobsMs, drainMs } }: Settings): string[] {
	const dependencies = new Map(Object.entries(jobs).map(([name, job]) => [name, job.dependsOn]));
	const waves = orderInWaves(dependencies).map((names, index) => [
		`Wave ${index + 1}`,
		...names.flatMap((name) => describeJob(name, jobs[name]).map((line) => `  ${line}`)),
	]);
	const drain = drainMs > 0 ? `, the first ${formatDuration(drainMs)} of it for load balancers to notice` : "";
	return [
		...waves.flat(),
		"",
		`Stop timeout ${formatDuration(ms)} (${source})`,
		`The waves stop in the opposite order; all jobs together have ${formatDuration(jobsMs)}${drain}`,
		`The last ${formatDuration(ms - jobsMs)} are kept for late jobs, stragglers and the report`,
	];
}

function describeJob(name: string, job: JobSettings | undefined): string[] {
	if (!job) return [name];
	const facts = [
		"command" in job
			? job.command.map(showKey).join(" ")
			: `${"thread" in job ? "thread" : "process"} ${shorten(fileOf(job))}`,
		job.dependsOn.length > 0 && `after ${job.dependsOn.join(", ")}`,
		job.readiness !== undefined && `ready by ${describeReadiness(job.readiness)}`,
		(job.restart !== "no" || job.schedule === undefined) && `restart ${job.restart}`,
		job.liveness !== undefined && `alive by ${describeLiveness(job.liveness)}`,
		job.stopTimeout !== undefined && `stop timeout ${formatDuration(job.stopTimeout)}`,
		job.essential === (job.schedule !== undefined) && (job.essential ? "essential" : "not essential"),
	];
	return [`${name}: ${facts.filter((fact) => fact !== false).join("; ")}`, ...describeSchedule(job)];
}

/** Dates that `check` shows. */
const SHOWN_DATES = 3;

function describeSchedule({ schedule, timeZone, overlap }: JobSettings): string[] {
	if (schedule === undefined) return [];
	const rule = overlap === "skip" ? "" : "; a date that comes during a run waits for its end";
	if (typeof schedule !== "string") return [`  every ${formatDuration(schedule.every)}${rule}`];
	const next = parseCron(schedule, timeZone);
	const dates: number[] = [];
	for (let date = next(Date.now()); date !== undefined && dates.length < SHOWN_DATES; date = next(date))
		dates.push(date);
	return [`  at ${plain(schedule)}${rule}`, ...dates.map((date) => `    ${formatMoment(date, timeZone)}`)];
}

/** From the working directory if it is below, so that the line fits. */
function shorten(path: string): string {
	const below = relative(process.cwd(), path);
	return below.startsWith("..") ? path : `./${below}`;
}

/** The file of a job that is a function. */
function fileOf(job: ThreadSettings | FunctionSettings): string {
	return "thread" in job ? job.thread : job.process;
}

function describeReadiness(readiness: NonNullable<JobSettings["readiness"]>): string {
	if (typeof readiness === "string") return readiness;
	return "http" in readiness ? readiness.http : `tcp ${readiness.tcp}`;
}

function describeLiveness({ http, tcp, command, heartbeat }: Liveness): string {
	if (heartbeat !== undefined) return `a heartbeat within ${formatDuration(heartbeat)}`;
	return http ?? (tcp ? `tcp ${tcp}` : (command ?? []).map(showKey).join(" "));
}

/** An import of another file of the same project: that one may do what this one does not. */
const IMPORTS_OWN = /["']\.\.?\//;
const SIGN_OF_LIFE = /WATCHDOG|notify/i;

/**
 * What is most likely wrong, though it is a valid configuration. In doubt there is no hint.
 *
 * @param jobsMs Milliseconds that all jobs together have to stop.
 * @param written The configuration as it was written, where a command may be text.
 */
function hintsOf(jobs: CheckedConfig["jobs"], jobsMs: number, written: unknown): string[] {
	// A getter of the configuration may throw when it is read again.
	const isText = (name: string) => attempt(() => typeof (written as Config).jobs[name]?.command === "string") ?? false;
	return Object.entries(jobs).flatMap(([name, job]) =>
		hintsOfJob(job, jobsMs, isText(name)).map((hint) => `jobs.${showKey(name)}.${hint}`),
	);
}

function hintsOfJob(job: JobSettings, jobsMs: number, isText: boolean): string[] {
	const { stopTimeout } = job;
	const hints = "command" in job ? hintsOfProcess(job, isText) : hintsOfFunction(job);
	if (stopTimeout !== undefined && stopTimeout > jobsMs)
		hints.push(
			`stopTimeout: ${formatDuration(stopTimeout)} is more than all jobs together have, ${formatDuration(jobsMs)}`,
		);
	for (const [key, value] of Object.entries(job.env))
		if (typeof value === "string" && VARIABLE.test(value)) hints.push(unexpanded(`env.${showKey(key)}`, value));
	return hints;
}

function unexpanded(field: string, value: string): string {
	return `${field}: ${show(value)} stays as it is, no shell reads it; write a configuration in TypeScript, or [sh, -c, "exec …"]`;
}

function hintsOfFunction(job: ThreadSettings | FunctionSettings): string[] {
	const file = fileOf(job);
	const text = attempt(() => readFileSync(file, "utf8"));
	if (text === undefined) return [];
	const hints: string[] = [];
	// Everything that may be a default export counts: `export * from`, `module.exports`, a default among the names.
	if (!/\bdefault\b|export\s*\*|exports/.test(text))
		hints.push(
			`${"thread" in job ? "thread" : "process"}: ${show(file)} has no default export, expected the job's function: export default async function ({flag}) {…}`,
		);
	if (job.liveness?.explicit && !/\balive\b/.test(text) && !IMPORTS_OWN.test(text))
		hints.push("liveness.explicit: the job never calls alive(), the only sign of life that counts then");
	if (job.readiness === undefined && /\bready\(\)/.test(text))
		hints.push(`readiness: the job calls ready(), but counts as ready from its start on; write "readiness": "notify"`);
	return hints;
}

function hintsOfProcess({ command, cwd, liveness }: ProcessSettings, isText: boolean): string[] {
	const [program = "", first = "", second = ""] = command;
	const name = basename(program);
	const hints: string[] = [];
	if (name !== "sh" && name !== "bash")
		for (const argument of command)
			if ((isText ? FOR_SHELL : VARIABLE).test(argument)) hints.push(unexpanded("command", argument));
	// Only where the script comes first: after an option of Node.js, the next argument may be its value.
	if (/^node(js)?$/.test(name) && /^[^-].*\.[cm]?[jt]s$/.test(first)) {
		const file = resolve(cwd ?? ".", first);
		const script = attempt(() => readFileSync(file, "utf8"));
		if (!existsSync(file)) hints.push(`command: ${show(first)} not found (looked at ${file})`);
		else if (liveness?.heartbeat && script !== undefined && !SIGN_OF_LIFE.test(script) && !IMPORTS_OWN.test(script))
			hints.push(
				`liveness.heartbeat: ${show(first)} never sends WATCHDOG=1 to NOTIFY_SOCKET, the only sign of life of a process`,
			);
	}
	if (/^(npm|npx|pnpm|yarn)$/.test(name))
		hints.push(
			`command: ${name} stands between lastcall and the program; that costs a process, its memory and the time of its start: name the program itself, [node, server.js] or one of node_modules/.bin`,
		);
	if (/^(ba|da)?sh$/.test(name) && first === "-c" && isSimpleCommand(second))
		hints.push(`command: a shell stands between lastcall and the program; write [sh, -c, "exec …"]`);
	return hints;
}

/** One simple command without `exec`: the shell only waits for it. */
function isSimpleCommand(script: string): boolean {
	return /^\s*[\w./-]+(\s+[\w./:=@-]+)*\s*$/.test(script) && !/^\s*exec\b/.test(script);
}
