/**
 * tini's flags and environment variables, and what lastcall adds to them as long flags.
 *
 * Parsing stops at the first word that is no flag, so that the program's own arguments are never touched.
 */
import { parseDuration } from "../base/time.ts";
import { type Identity, MAX_SIGNAL, type Plan, parseRewrite, signalNumber } from "./settings.ts";
import { LICENSE, tiniUsage, tiniVersion } from "./usage.ts";

const EXIT_USAGE = 1;

/** Who is wrong in the arguments, and whether the usage helps. */
class BadArgument extends Error {
	readonly usage: boolean;

	constructor(message: string, usage: boolean) {
		super(message);
		this.usage = usage;
	}
}

interface Flags {
	verbosity: number;
	json: boolean;
	subreaper: boolean;
	parentDeathSignal: number | undefined;
	warnOnReap: boolean;
	group: boolean;
	session: boolean;
	singleChild: boolean;
	expected: Set<number>;
	rewrites: Map<number, number>;
	stopTimeoutMs: number | undefined;
	killStragglers: boolean;
	answer?: Plan;
}

/** @param fatal Makes a message of ours a line to print. */
export function parseTini(
	args: readonly string[],
	env: NodeJS.ProcessEnv,
	identity: Identity,
	fatal: (message: string) => string,
): Plan {
	// Only alone: as tini.
	if (args.length === 1 && args[0] === "--version") return { type: "answer", code: 0, stdout: tiniVersion(identity) };
	try {
		const flags = defaults();
		const rest = readFlags(args, identity, flags);
		if (flags.answer) return flags.answer;
		readEnvironment(env, flags);
		if (rest.length === 0) return { type: "answer", code: EXIT_USAGE, stderr: tiniUsage(identity) };
		const { group, session, singleChild, ...settings } = flags;
		return {
			type: "start",
			settings: {
				...settings,
				identity,
				command: rest,
				apart: session ? "session" : singleChild ? "none" : "group",
				// Who asks for a session wants its processes signalled, as with dumb-init.
				reach: (group || session) && !singleChild ? "group" : "program",
				endGroup: false,
			},
		};
	} catch (error) {
		if (!(error instanceof BadArgument)) throw error;
		const { message } = error;
		const stderr = error.usage ? `${identity.name}: ${message}\n${tiniUsage(identity)}` : fatal(message);
		return { type: "answer", code: EXIT_USAGE, stderr };
	}
}

function defaults(): Flags {
	return {
		verbosity: 1,
		json: false,
		subreaper: false,
		parentDeathSignal: undefined,
		warnOnReap: false,
		group: false,
		session: false,
		singleChild: false,
		expected: new Set(),
		rewrites: new Map(),
		stopTimeoutMs: undefined,
		killStragglers: false,
	};
}

/** @returns The program and its arguments. */
function readFlags(args: readonly string[], identity: Identity, flags: Flags): readonly string[] {
	let next = 0;
	while (next < args.length && !flags.answer) {
		const word = args[next] ?? "";
		if (word === "--") return args.slice(next + 1);
		if (!word.startsWith("-") || word === "-") break;
		next++;
		const take = () => args[next++];
		if (word.startsWith("--")) readLong(word, take, flags);
		else readCluster(word.slice(1), take, identity, flags);
	}
	return args.slice(next);
}

/** `-gvv`; the value of `-p` and `-e` is the rest of the word, or the next one. */
function readCluster(letters: string, take: () => string | undefined, identity: Identity, flags: Flags): void {
	for (let index = 0; index < letters.length; index++) {
		const letter = letters[index] ?? "";
		switch (letter) {
			case "s":
				flags.subreaper = true;
				break;
			case "v":
				flags.verbosity++;
				break;
			case "w":
				flags.warnOnReap = true;
				break;
			case "g":
				flags.group = true;
				break;
			case "h":
				flags.answer = answer(tiniUsage(identity));
				return;
			case "l":
				flags.answer = answer(LICENSE);
				return;
			case "p":
			case "e": {
				const value = letters.slice(index + 1) || take();
				if (value === undefined) throw new BadArgument(`option requires an argument -- '${letter}'`, true);
				if (letter === "p") flags.parentDeathSignal = readSignal(value);
				else flags.expected.add(readExitCode(value));
				return;
			}
			default:
				throw new BadArgument(`invalid option -- '${letter}'`, true);
		}
	}
}

function readLong(word: string, take: () => string | undefined, flags: Flags): void {
	const equals = word.indexOf("=");
	const name = equals < 0 ? word : word.slice(0, equals);
	const given = equals < 0 ? undefined : word.slice(equals + 1);
	const value = () => {
		const text = given ?? take();
		if (text !== undefined) return text;
		throw new BadArgument(`option requires an argument -- '${name}'`, true);
	};
	switch (name) {
		case "--stop-timeout":
			flags.stopTimeoutMs = readStopTimeout(name, value());
			return;
		case "--rewrite": {
			const text = value();
			const rule = parseRewrite(text, MAX_SIGNAL);
			if (!rule)
				throw new BadArgument(
					`Not a valid option for --rewrite: ${text} (expected two signal numbers such as 15:3, or 15:0 to drop)`,
					false,
				);
			flags.rewrites.set(...rule);
			return;
		}
	}
	if (given === undefined) {
		switch (name) {
			case "--kill-stragglers":
				flags.killStragglers = true;
				return;
			case "--json":
				flags.json = true;
				return;
			case "--single-child":
				flags.singleChild = true;
				return;
			case "--setsid":
				flags.session = true;
				return;
		}
	}
	// tini has no long options: getopt(3) meets a second dash.
	throw new BadArgument("invalid option -- '-'", true);
}

function readEnvironment(env: NodeJS.ProcessEnv, flags: Flags): void {
	const get = (name: string) => env[`LASTCALL_${name}`] ?? env[`TINI_${name}`];
	// Being set is enough, even to nothing: as tini.
	flags.subreaper ||= get("SUBREAPER") !== undefined;
	flags.group ||= get("KILL_PROCESS_GROUP") !== undefined;
	const verbosity = get("VERBOSITY");
	// It overrides the flags, and is read as atoi(3) does.
	if (verbosity !== undefined) flags.verbosity = Number.parseInt(verbosity, 10) || 0;
	const timeout = env.LASTCALL_STOP_TIMEOUT;
	// Empty counts as unset: Compose writes it so.
	if (timeout) flags.stopTimeoutMs ??= readStopTimeout("LASTCALL_STOP_TIMEOUT", timeout);
}

function readSignal(text: string): number {
	const number = signalNumber(text);
	if (number !== undefined) return number;
	throw new BadArgument(`Not a valid option for -p: ${text}`, false);
}

function readExitCode(text: string): number {
	const code = /^\s*[+-]?\d*$/.test(text) ? Number(text) : Number.NaN;
	if (code >= 0 && code <= 255) return code;
	throw new BadArgument(`Not a valid option for -e: ${text}`, false);
}

function readStopTimeout(where: string, text: string): number {
	const ms = parseDuration(text);
	if (ms !== undefined) return ms;
	throw new BadArgument(
		`Not a valid option for ${where}: ${text} (expected a duration with its unit, such as 8s)`,
		false,
	);
}

function answer(stdout: string): Plan {
	return { type: "answer", code: 0, stdout };
}
