/** The command line of `lastcall rehearse`: arguments → what to rehearse, and how often. */
import { accessSync, constants } from "node:fs";
import { constants as os } from "node:os";
import { delimiter, dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { attempt, show, UserError } from "../base/errors.ts";
import { readDuration } from "../base/time.ts";

export type Subject =
	| { readonly type: "config"; readonly path: string | undefined }
	| { readonly type: "program"; readonly command: readonly string[] }
	/** `flags`: options of `docker run`. `command`: replaces the image's own command. */
	| {
			readonly type: "image";
			readonly image: string;
			readonly flags: readonly string[];
			readonly command: readonly string[];
	  };

export interface Options {
	readonly subject: Subject;
	readonly runs: number;
	/** The stop signal comes at a random moment, at most this many milliseconds after the start. */
	readonly withinMs: number;
	readonly stopTimeoutMs: number | undefined;
	/** @default the image's STOPSIGNAL, else SIGTERM */
	readonly signal: NodeJS.Signals | undefined;
	readonly seed: number;
	/** Requested again and again while the program runs and stops. */
	readonly probe: URL | undefined;
	readonly json: boolean;
	/** Path of the report for a browser. */
	readonly html: string | undefined;
	/** Whether to start without asking. */
	readonly yes: boolean;
}

const RUNS = 20;
const MAX_RUNS = 1_000;
const WITHIN_MS = 3_000;
const MAX_SEED = 2 ** 32;

const FLAGS = {
	image: { type: "string" },
	runs: { type: "string" },
	within: { type: "string" },
	"stop-timeout": { type: "string" },
	signal: { type: "string" },
	seed: { type: "string" },
	probe: { type: "string" },
	json: { type: "boolean" },
	html: { type: "string" },
	yes: { type: "boolean", short: "y" },
	help: { type: "boolean", short: "h" },
} as const;

/**
 * @returns "help" if the user asks for the help page.
 * @throws {UserError} that says which argument is wrong, and what was expected.
 */
export function parseOptions(args: readonly string[]): Options | "help" {
	const [before, after] = cut(args);
	const { values, positionals } = parseStrictly(before);
	if (values.help) return "help";
	return {
		subject: subjectOf(values.image, positionals, after),
		runs: readNumber("--runs", values.runs, 1, MAX_RUNS) ?? RUNS,
		withinMs: readDuration("--within", values.within) ?? WITHIN_MS,
		stopTimeoutMs: readTimeout(values["stop-timeout"]),
		signal: readSignal(values.signal),
		seed: readNumber("--seed", values.seed, 0, MAX_SEED - 1) ?? Math.floor(Math.random() * MAX_SEED),
		probe: readUrl(values.probe),
		json: values.json === true,
		html: values.html === undefined ? undefined : writable(values.html),
		yes: values.yes === true,
	};
}

/** Cuts a list at its first `--`. */
function cut(args: readonly string[]): [before: readonly string[], after: readonly string[] | undefined] {
	const dashes = args.indexOf("--");
	return dashes === -1 ? [args, undefined] : [args.slice(0, dashes), args.slice(dashes + 1)];
}

function parseStrictly(args: readonly string[]) {
	try {
		return parseArgs({ args: [...args], allowPositionals: true, options: FLAGS });
	} catch (error) {
		throw new UserError(`Cannot use the arguments of rehearse: ${(error as Error).message}`);
	}
}

function subjectOf(
	image: string | undefined,
	positionals: readonly string[],
	after: readonly string[] | undefined,
): Subject {
	const [path] = positionals;
	const isOne = image === undefined ? positionals.length + (after ? 1 : 0) <= 1 : positionals.length === 0;
	if (!isOne || after?.length === 0) {
		const found = after?.length === 0 ? "nothing after --" : [...positionals, ...(after ?? [])].join(" ");
		throw new UserError(
			`Cannot rehearse: found ${found}, expected one of: lastcall rehearse [CONFIG], rehearse -- PROGRAM, rehearse --image IMAGE [-- OPTIONS]`,
		);
	}
	if (image !== undefined) {
		const [flags, command = []] = cut(after ?? []);
		if (image === "") throw new UserError(`Cannot use --image: found "", expected the name of an image`);
		const odd = flags.find((flag) => /^(--name|--detach|-d|--rm|--restart)(=|$)/.test(flag));
		if (odd !== undefined)
			throw new UserError(
				`Cannot use ${show(odd)} for the containers of a rehearsal: each has its own name, and is removed`,
			);
		return { type: "image", image, flags, command };
	}
	if (after) {
		checkProgram(after[0] ?? "");
		return { type: "program", command: after };
	}
	return { type: "config", path };
}

/** Fails early: otherwise each run would try to start a program that does not exist. */
function checkProgram(program: string): void {
	const folders = program.includes("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
	if (!folders.some((folder) => isAllowed(resolve(folder, program), constants.X_OK)))
		throw new UserError(`Cannot rehearse ${show(program)}: found no such program`);
}

function isAllowed(path: string, mode: number): boolean {
	try {
		accessSync(path, mode);
		return true;
	} catch {
		return false;
	}
}

function readNumber(flag: string, text: string | undefined, least: number, most: number): number | undefined {
	if (text === undefined) return undefined;
	const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
	if (number >= least && number <= most) return number;
	throw new UserError(`Cannot use ${flag}: found ${show(text)}, expected a number from ${least} to ${most}`);
}

function readTimeout(text: string | undefined): number | undefined {
	const ms = readDuration("--stop-timeout", text);
	if (ms === 0) throw new UserError("Cannot use --stop-timeout: found 0 ms, expected the time that a stop may take");
	return ms;
}

function readSignal(text: string | undefined): NodeJS.Signals | undefined {
	if (text === undefined) return undefined;
	const name = text.startsWith("SIG") ? text : `SIG${text}`;
	if (name in os.signals && name !== "SIGKILL" && name !== "SIGSTOP") return name as NodeJS.Signals;
	throw new UserError(
		`Cannot use --signal: found ${show(text)}, expected a signal that asks for a stop, such as SIGTERM`,
	);
}

function readUrl(text: string | undefined): URL | undefined {
	if (text === undefined) return undefined;
	const url = attempt(() => new URL(text));
	if (url?.protocol === "http:") return url;
	throw new UserError(`Cannot use --probe: found ${show(text)}, expected a URL such as "http://127.0.0.1:8080/"`);
}

function writable(path: string): string {
	const folder = dirname(resolve(path));
	if (isAllowed(folder, constants.W_OK)) return path;
	throw new UserError(`Cannot write --html ${show(path)}: found no folder ${show(folder)} that can be written to`);
}
