/** The command line: arguments → a command. */
import type { ParseArgsOptionsConfig } from "node:util";
import { show, UserError } from "../base/errors.ts";
import { readDuration } from "../base/time.ts";
import type { JobCommand } from "../supervisor/commands.ts";

export const SUBCOMMANDS = [
	"run",
	"check",
	"status",
	"stop",
	"start",
	"restart",
	"signal",
	"rehearse",
	"init",
] as const;

export type Subcommand = (typeof SUBCOMMANDS)[number];

/** Those whose page is in cli/help.ts. */
export type WithPage = Exclude<Subcommand, "rehearse">;

export type Command =
	/** The help page of one subcommand, or the overview. */
	| { readonly type: "help"; readonly command?: WithPage }
	/** No arguments at all. */
	| { readonly type: "usage" }
	| { readonly type: "version" }
	/** Anything else: a program in the foreground, and its flags. */
	| { readonly type: "exec" }
	| {
			readonly type: "run" | "check";
			readonly config: string | undefined;
			/** A program and its arguments, in place of a configuration. */
			readonly program: readonly string[] | undefined;
			readonly stopTimeoutMs: number | undefined;
	  }
	/** `args`: for src/rehearse/, which is a bundle of its own. */
	| { readonly type: "rehearse"; readonly args: readonly string[] }
	| { readonly type: "init"; readonly source: string | undefined; readonly yes: boolean }
	| { readonly type: "status"; readonly json: boolean; readonly watch: boolean; readonly socket: string | undefined }
	| { readonly type: "control"; readonly command: JobCommand; readonly socket: string | undefined };

/** Whether arguments with this first word ask for more than the init of a program. */
export function isSubcommand(word: string | undefined): word is Subcommand {
	return (SUBCOMMANDS as readonly (string | undefined)[]).includes(word);
}

/** @throws {UserError} that says which argument is wrong, and what was expected. */
export function parseCommand(args: readonly string[]): Command {
	const [first, ...rest] = args;
	switch (first) {
		case undefined:
			return { type: "usage" };
		case "-h":
		case "--help":
			return { type: "help" };
		case "help":
			return parseHelp(rest);
		case "init":
			return parseInit(rest);
		case "--version":
			return { type: "version" };
		case "run":
		case "check":
			return parseRun(first, rest);
		case "rehearse":
			return { type: "rehearse", args: rest };
		case "status":
			return parseStatus(rest);
		case "stop":
		case "start":
		case "restart":
		case "signal":
			return parseControl(first, rest);
		default:
			return { type: "exec" };
	}
}

function parseHelp(words: readonly string[]): Command {
	const [first] = words;
	if (first === undefined || ["-h", "--help", "help"].includes(first)) return { type: "help" };
	if (words.length === 1 && isSubcommand(first))
		return first === "rehearse" ? { type: first, args: ["--help"] } : { type: "help", command: first };
	throw new UserError(
		`Cannot help with ${show(words.join(" "))}: expected one of ${SUBCOMMANDS.join(", ")}; or lastcall-init -h for the flags of a program`,
	);
}

function parseInit(args: string[]): Command {
	const { values, positionals } = parseStrictly("init", args, { yes: { type: "boolean", short: "y" } });
	if (values.help) return { type: "help", command: "init" };
	if (positionals.length > 1)
		throw new UserError(
			`Cannot use the arguments of init: found ${positionals.join(" ")}, expected at most one file. (For a program of that name: lastcall -- init)`,
		);
	return { type: "init", source: positionals[0], yes: values.yes === true };
}

function parseRun(type: "run" | "check", args: string[]): Command {
	const dashes = args.indexOf("--");
	const program = dashes === -1 ? undefined : args.slice(dashes + 1);
	const before = dashes === -1 ? args : args.slice(0, dashes);
	const { values, positionals } = parseStrictly(type, before, { "stop-timeout": { type: "string" } });
	if (values.help) return { type: "help", command: type };
	if (program && (program.length === 0 || positionals.length > 0)) {
		const found = program.length === 0 ? "no program after --" : `a configuration, ${positionals[0]}, and a program`;
		throw new UserError(
			`Cannot ${type}: found ${found}, expected: lastcall ${type} [CONFIG], or lastcall ${type} -- PROGRAM`,
		);
	}
	if (positionals.length > 1)
		throw new UserError(
			`Cannot ${type} ${positionals.length} configurations (${positionals.join(", ")}), expected at most one`,
		);
	const stopTimeoutMs = readDuration("--stop-timeout", text(values["stop-timeout"]));
	return { type, config: positionals[0], program, stopTimeoutMs };
}

function parseStatus(args: string[]): Command {
	const { values, positionals } = parseStrictly("status", args, {
		json: { type: "boolean" },
		watch: { type: "boolean", short: "w" },
		socket: { type: "string" },
	});
	if (values.help) return { type: "help", command: "status" };
	if (positionals.length > 0)
		throw new UserError(`Cannot use the arguments of status: found ${positionals.join(" ")}, expected none`);
	return { type: "status", json: values.json === true, watch: values.watch === true, socket: text(values.socket) };
}

/** What each command expects. Only `stop` can do without a job. */
const EXPECTED = { stop: "[JOB]", start: "JOB", restart: "JOB", signal: "JOB SIGNAL" };

function parseControl(type: JobCommand["type"], args: string[]): Command {
	const starts = type === "start" || type === "restart";
	const { values, positionals } = parseStrictly(type, args, {
		socket: { type: "string" },
		...(starts && { "no-wait": { type: "boolean" } }),
	});
	if (values.help) return { type: "help", command: type };
	const [job, signal = ""] = positionals;
	const wait = !values["no-wait"];
	const isComplete = positionals.length === EXPECTED[type].split(" ").length || (type === "stop" && job === undefined);
	if (!isComplete)
		throw new UserError(
			`Cannot use the arguments of ${type}: found ${positionals.join(" ") || "none"}, expected: lastcall ${type} ${EXPECTED[type]}`,
		);
	const more = { signal: { signal }, start: { wait }, restart: { wait }, stop: {} }[type];
	const command = { type, ...(job !== undefined && { job }), ...more } as JobCommand;
	return { type: "control", command, socket: text(values.socket) };
}

function text(value: unknown): string | undefined {
	return typeof value === "string" ? value : undefined;
}

function parseStrictly(command: string, args: string[], options: ParseArgsOptionsConfig) {
	// Not by an import: see os/output/stderr.ts.
	const { parseArgs } = process.getBuiltinModule("node:util");
	const withHelp: ParseArgsOptionsConfig = { ...options, help: { type: "boolean", short: "h" } };
	try {
		return parseArgs({ args, allowPositionals: true, options: withHelp });
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		const [unknown] = code === "ERR_PARSE_ARGS_UNKNOWN_OPTION" ? (/-[^']+/.exec(message) ?? []) : [];
		const known = Object.keys(withHelp).map((name) => `--${name}`);
		const what = unknown === undefined ? message : `no option ${unknown}, expected one of ${known.join(", ")}`;
		throw new UserError(`Cannot use the arguments of ${command}: ${what}`);
	}
}
