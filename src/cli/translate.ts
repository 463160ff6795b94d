/** Translates a Procfile, pm2's ecosystem file or the scripts of package.json into jobs. */
import { extname } from "node:path";
import type { CommandJobConfig } from "../config/config.ts";

/** A job as it will be written. */
export type Job = Partial<Record<keyof CommandJobConfig, unknown>> & { command: string[] };

/** `left`: what could not be translated, and what to do instead. */
export type Translation = Readonly<{ jobs: Record<string, Job>; left: string[] }>;

/** What only a shell reads. */
const FOR_SHELL = /["'`\\$&|;<>()*?~#]|^\s*\w+=/;
/** Of these, what makes it more than one simple command: the shell must not be replaced by the first one. */
const COMPOUND = /[&|;()]/;
const ASSIGNMENT = /^\s*\w+=/;
/** Variables that need no shell, and the command behind them. */
const PLAIN_ASSIGNMENTS = /^((?:\w+=[^\s"'`\\$&|;<>()*?~#]* +)+)(\S.*)$/;
/** A script that starts another one. */
const OTHER_SCRIPT = /^(?:npm run|npm run-script|pnpm|pnpm run|yarn|yarn run|npm) ([\w:.-]+)$/;
/** Scripts that start something that stays. */
const SERVICE = /^(start|serve|worker)(:(?!dev|debug|watch|test)|$)/;

/** A job of one script or line. What it puts in the background would end with its shell. */
function jobOf(written: string): Job {
	const text = written.trim().replace(/\s*&$/, "");
	const [, variables = "", command = ""] = PLAIN_ASSIGNMENTS.exec(text) ?? [];
	if (variables === "" || FOR_SHELL.test(command)) return { command: splitCommand(text) };
	const env = Object.fromEntries(
		variables
			.trim()
			.split(/ +/)
			.map((pair) => pair.split(/=(.*)/).slice(0, 2)),
	);
	return { command: splitCommand(command), env };
}

function splitCommand(text: string): string[] {
	if (!FOR_SHELL.test(text)) return text.trim().split(/\s+/);
	const script = ASSIGNMENT.test(text) ? `env ${text.trim()}` : text.trim();
	return ["sh", "-c", COMPOUND.test(text) ? text.trim() : `exec ${script}`];
}

/** A name that a job may have, and that no other job has. */
function jobName(text: string, jobs: Record<string, Job>): string {
	const name =
		text
			.replaceAll(/[^\w.-]/g, "-")
			.replace(/^[-._]+/, "")
			.slice(0, 60) || "job";
	for (let number = 1; ; number++) {
		const free = number === 1 ? name : `${name}-${number}`;
		if (!(free in jobs)) return free;
	}
}

/** A job that runs to its end before all others start. */
function putFirst(jobs: Record<string, Job>, text: string, first: Job): void {
	const name = jobName(text, jobs);
	for (const job of Object.values(jobs)) job.dependsOn = [name];
	jobs[name] = { ...first, readiness: "exit" };
}

/** A line for each process: `web: node server.js`. `release` runs first, as on Heroku. */
export function fromProcfile(text: string): Translation {
	const jobs: Record<string, Job> = {};
	let release: string | undefined;
	for (const line of text.split("\n")) {
		const [, name, command = ""] = /^([\w-]+):\s*(.+?)\s*$/.exec(line) ?? [];
		if (name === "release") release = command;
		else if (name !== undefined) jobs[jobName(name, jobs)] = jobOf(command);
	}
	if (release !== undefined) putFirst(jobs, "release", jobOf(release));
	return { jobs, left: [] };
}

/** `start`, and scripts such as `start:api`, `serve`, `worker`. `prestart` runs first. */
export function fromPackage(value: unknown): Translation {
	const scripts = textsOf(recordOf(value).scripts);
	const jobs: Record<string, Job> = {};
	const left: string[] = [];
	/** The script that a script stands for: one that only starts another one is that one. */
	const resolve = (name: string, depth = 0): string => {
		const other = OTHER_SCRIPT.exec(scripts[name]?.trim() ?? "")?.[1];
		return other !== undefined && other in scripts && depth < 10 ? resolve(other, depth + 1) : name;
	};
	const job = (name: string) => jobOf(scripts[resolve(name)] ?? "");
	for (const name of Object.keys(scripts).filter((name) => scripts[name]?.trim()))
		if (scripts[`${name}:prod`]?.trim()) left.push(`scripts.${name}: ${name}:prod is taken in its place`);
		else if (SERVICE.test(name)) {
			// Else it would run twice.
			if (resolve(name) === name || !SERVICE.test(resolve(name))) jobs[jobName(name, jobs)] = job(name);
		} else if (/\bmigrate\b/.test(name))
			left.push(
				`scripts.${name}: if it runs before the start, make it a job with "readiness": "exit", in dependsOn of the others`,
			);
		else if (name !== "prestart") left.push(`scripts.${name}: not taken for something that a container runs`);
	if (scripts.prestart !== undefined) putFirst(jobs, "prestart", job("prestart"));
	return { jobs, left };
}

const INTERPRETERS: Readonly<Record<string, string>> = {
	".py": "python3",
	".sh": "bash",
	".rb": "ruby",
	".pl": "perl",
};

/** What to do instead of fields of pm2 that lastcall has not. */
const INSTEAD: Readonly<Record<string, string>> = {
	instances: "use node:cluster in the app, or replicas of the container",
	exec_mode: "use node:cluster in the app, or replicas of the container",
	watch: "a container does not change: docker compose watch",
	max_memory_restart: "set the container's memory limit",
	cron_restart: "restart the container from outside",
};
/** Fields that say nothing here: names, and what is translated with another field. */
const SAID = ["name", "script", "args", "interpreter", "interpreter_args", "node_args", "cwd", "env", "kill_timeout"];
const ALSO_SAID = ["wait_ready", "listen_timeout", "autorestart", "max_restarts", "restart_delay"];

/** The `apps` of pm2. */
export function fromEcosystem(value: unknown): Translation {
	const { apps = value } = recordOf(value);
	const jobs: Record<string, Job> = {};
	const left: string[] = [];
	for (const [index, app] of [apps].flat().map(recordOf).entries()) {
		const { name = `app-${index + 1}`, script } = app;
		if (typeof script !== "string") {
			left.push(`${name}: found no script`);
			continue;
		}
		jobs[jobName(String(name), jobs)] = fromApp(app, script);
		for (const [field, value] of Object.entries(app)) {
			if (
				SAID.includes(field) ||
				ALSO_SAID.includes(field) ||
				value === false ||
				(field === "instances" && value === 1)
			)
				continue;
			left.push(`${name}.${field}: ${INSTEAD[field] ?? "not translated"}`);
		}
	}
	return { jobs, left };
}

function fromApp(app: Record<string, unknown>, script: string): Job {
	const words = (value: unknown) =>
		[value ?? []]
			.flat()
			.flatMap((text) => String(text).split(/\s+/))
			.filter(Boolean);
	const { interpreter = INTERPRETERS[extname(script)] ?? (/^\.[cm]?[jt]s$/.test(extname(script)) ? "node" : "none") } =
		app;
	const program = interpreter === "none" ? [] : [String(interpreter), ...words(app.interpreter_args ?? app.node_args)];
	const args = Array.isArray(app.args) ? app.args.map(String) : words(app.args);
	// A script without an extension is a program that pm2 finds on PATH, with its arguments.
	const command = [...program, ...(program.length > 0 ? [script] : words(script)), ...args];
	const env = textsOf(app.env);
	return {
		command,
		...(typeof app.cwd === "string" && { cwd: app.cwd }),
		...(Object.keys(env).length > 0 && { env }),
		...(app.wait_ready === true && { readiness: "notify" }),
		...milliseconds("startTimeout", app.wait_ready === true ? app.listen_timeout : undefined),
		...(app.autorestart !== false && { restart: "on-failure" }),
		...milliseconds("restartDelay", app.restart_delay),
		...(Number.isInteger(app.max_restarts) && { maxRestarts: app.max_restarts }),
		// pm2's signal.
		stopSignal: "SIGINT",
		...milliseconds("stopTimeout", app.kill_timeout),
	};
}

function milliseconds(field: keyof Job, value: unknown): Partial<Job> {
	return typeof value === "number" && value > 0 ? { [field]: `${value}ms` } : {};
}

function recordOf(value: unknown): Record<string, unknown> {
	return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** The texts and numbers among the values, as texts. */
function textsOf(value: unknown): Record<string, string> {
	const entries = Object.entries(recordOf(value)).filter(([, it]) =>
		["string", "number", "boolean"].includes(typeof it),
	);
	return Object.fromEntries(entries.map(([key, it]) => [key, String(it)]));
}
