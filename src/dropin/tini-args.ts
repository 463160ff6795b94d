/**
 * tini's flags and environment variables, and lastcall's own long flags.
 *
 * Parsing stops at the first word that is not a flag, so that the program's own arguments are never touched.
 */
import { parseDuration } from "../base/time.ts";
import { frame } from "./printer.ts";
import { type Identity, MAX_SIGNAL, type Plan, parseRewrite, parseSignalName } from "./settings.ts";
import { license, tiniUsage, tiniVersion } from "./tini-messages.ts";

const EXIT_USAGE = 1;

class Flags {
	verbosity = 1;
	json = false;
	subreaper = false;
	parentDeathSignal: number | undefined = undefined;
	warnOnReap = false;
	group = false;
	session = false;
	singleChild = false;
	expected = new Set<number>();
	rewrites = new Map<number, number>();
	stopTimeoutMs: number | undefined = undefined;
	killStragglers = false;
	/** A text to print instead of starting a program. */
	answer: "usage" | "license" | undefined = undefined;
}

type Switch = { [Key in keyof Flags]: Flags[Key] extends boolean ? Key : never }[keyof Flags];

/** The flags without a value. */
const SWITCHES: ReadonlyMap<string, Switch> = new Map([
	["s", "subreaper"],
	["w", "warnOnReap"],
	["g", "group"],
	["--kill-stragglers", "killStragglers"],
	["--json", "json"],
	["--single-child", "singleChild"],
	["--setsid", "session"],
]);

/** An unknown flag, or one without its value: the usage helps. */
class BadFlag extends Error {}

/** A value that the flag or the variable cannot have: the message says it all. */
class BadValue extends Error {}

export function parseTini(args: readonly string[], env: NodeJS.ProcessEnv, identity: Identity): Plan {
	// Only as the sole argument, as in tini.
	if (args.length === 1 && args[0] === "--version") return { type: "answer", code: 0, stdout: tiniVersion(identity) };
	try {
		const flags = new Flags();
		const command = readFlags(args, flags);
		const { answer } = flags;
		if (answer) return { type: "answer", code: 0, stdout: answer === "usage" ? tiniUsage(identity) : license() };
		readEnvironment(env, flags);
		if (command.length === 0) return { type: "answer", code: EXIT_USAGE, stderr: tiniUsage(identity) };
		const { group, session, singleChild, ...settings } = flags;
		return {
			type: "start",
			settings: {
				...settings,
				identity,
				command,
				apart: session ? "session" : singleChild ? "none" : "group",
				// A session of its own is signalled as a whole, as by dumb-init.
				reach: (group || session) && !singleChild ? "group" : "program",
			},
		};
	} catch (error) {
		const answer = { type: "answer", code: EXIT_USAGE } as const;
		if (error instanceof BadFlag)
			return { ...answer, stderr: `${identity.name}: ${error.message}\n${tiniUsage(identity)}` };
		if (error instanceof BadValue) return { ...answer, stderr: frame("fatal", error.message, identity.style) };
		throw error;
	}
}

/** @returns The program and its arguments. */
function readFlags(args: readonly string[], flags: Flags): readonly string[] {
	let next = 0;
	const take = () => args[next++];
	while (next < args.length && !flags.answer) {
		const word = args[next] ?? "";
		if (word === "--") return args.slice(next + 1);
		if (!word.startsWith("-") || word === "-") break;
		next++;
		if (word.startsWith("--")) readLong(word, take, flags);
		else readCluster(word.slice(1), take, flags);
	}
	return args.slice(next);
}

/** `-gvv`; the value of `-p` and `-e` is the rest of the word, or the next one. */
function readCluster(letters: string, take: () => string | undefined, flags: Flags): void {
	for (let index = 0; index < letters.length; index++) {
		const letter = letters[index] ?? "";
		const name = SWITCHES.get(letter);
		if (name) flags[name] = true;
		else if (letter === "v") flags.verbosity++;
		else if (letter === "h" || letter === "l") {
			flags.answer = letter === "h" ? "usage" : "license";
			return;
		} else if (letter === "p" || letter === "e") {
			const value = letters.slice(index + 1) || take();
			if (value === undefined) throw new BadFlag(`option requires an argument -- '${letter}'`);
			if (letter === "p") flags.parentDeathSignal = readSignal(value);
			else flags.expected.add(readExitCode(value));
			return;
		} else throw new BadFlag(`invalid option -- '${letter}'`);
	}
}

/** `--json`, `--rewrite 15:3`, `--rewrite=15:3`. */
function readLong(word: string, take: () => string | undefined, flags: Flags): void {
	const switchName = SWITCHES.get(word);
	if (switchName) {
		flags[switchName] = true;
		return;
	}
	const [name = "", ...given] = word.split("=");
	// tini has no long options: getopt(3) takes the second dash for a letter.
	if (name !== "--stop-timeout" && name !== "--rewrite") throw new BadFlag("invalid option -- '-'");
	const value = given.length > 0 ? given.join("=") : take();
	if (value === undefined) throw new BadFlag(`option requires an argument -- '${name}'`);
	if (name === "--stop-timeout") flags.stopTimeoutMs = readStopTimeout(name, value);
	else flags.rewrites.set(...readRewrite(value));
}

function readEnvironment(env: NodeJS.ProcessEnv, flags: Flags): void {
	const get = (name: string) => env[`LASTCALL_${name}`] ?? env[`TINI_${name}`];
	// As in tini, it is enough that the variable is set, even to nothing.
	flags.subreaper ||= get("SUBREAPER") !== undefined;
	flags.group ||= get("KILL_PROCESS_GROUP") !== undefined;
	const verbosity = get("VERBOSITY");
	// Overrides the flags. As with atoi(3), a text without a number is 0.
	if (verbosity !== undefined) flags.verbosity = Number.parseInt(verbosity, 10) || 0;
	const timeout = env.LASTCALL_STOP_TIMEOUT;
	// Compose passes on an unset variable as an empty one, so empty counts as unset.
	if (timeout) flags.stopTimeoutMs ??= readStopTimeout("LASTCALL_STOP_TIMEOUT", timeout);
}

function readSignal(text: string): number {
	const number = parseSignalName(text);
	if (number !== undefined) return number;
	throw new BadValue(`Not a valid option for -p: ${text}`);
}

function readExitCode(text: string): number {
	const code = /^\s*[+-]?\d*$/.test(text) ? Number(text) : Number.NaN;
	if (code >= 0 && code <= 255) return code;
	throw new BadValue(`Not a valid option for -e: ${text}`);
}

function readRewrite(text: string): readonly [from: number, to: number] {
	const rule = parseRewrite(text, MAX_SIGNAL);
	if (rule) return rule;
	throw new BadValue(
		`Not a valid option for --rewrite: ${text} (expected two signal numbers such as 15:3, or 15:0 to drop)`,
	);
}

function readStopTimeout(where: string, text: string): number {
	const ms = parseDuration(text);
	if (ms !== undefined) return ms;
	throw new BadValue(`Not a valid option for ${where}: ${text} (expected a duration with its unit, such as 8s)`);
}
