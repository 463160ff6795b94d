/** dumb-init's flags and environment variables. */
import { describeError } from "../os/signals/names.ts";
import type { Line, Notice, Status } from "./notice.ts";
import { type Identity, type Plan, parseRewrite } from "./settings.ts";
import { missing } from "./tini-words.ts";
import { DUMB_INIT_REWRITE_USAGE, dumbInitUsage, dumbInitVersion } from "./usage.ts";

const EXIT_USAGE = 1;
/** It knows no real-time signals here. */
const MAX_SIGNAL = 31;

const LETTERS: Readonly<Record<string, string>> = {
	"--single-child": "c",
	"--rewrite": "r",
	"--verbose": "v",
	"--help": "h",
	"--version": "V",
};
const WITHOUT_VALUE = "cvhV";
const STOP_SIGNALS = ["SIGTSTP", "SIGTTIN", "SIGTTOU"] as const;
const STOP_NUMBERS = [20, 21, 22];
const SIGSTOP = 19;

export const dumbInitListensTo: readonly NodeJS.Signals[] = STOP_SIGNALS;

export function parseDumbInit(args: readonly string[], env: NodeJS.ProcessEnv, identity: Identity): Plan {
	const { name } = identity;
	const rewrites = new Map<number, number>();
	let session = true;
	let verbose = false;
	let next = 0;
	for (; next < args.length; next++) {
		const word = args[next] ?? "";
		if (word === "--") {
			next++;
			break;
		}
		if (!word.startsWith("-") || word === "-") break;
		const option = expand(word);
		if (!option) return refuse(`${name}: ${complaint(word)}\n`);
		for (const { letter, value } of option) {
			switch (letter) {
				case "c":
					session = false;
					break;
				case "v":
					verbose = true;
					break;
				case "h":
					return { type: "answer", code: 0, stderr: dumbInitUsage(identity) };
				case "V":
					return { type: "answer", code: 0, stderr: dumbInitVersion() };
				case "r": {
					const text = value ?? args[++next];
					if (text === undefined)
						return refuse(
							word.startsWith("--")
								? `${name}: option '${word}' requires an argument\n`
								: `${name}: option requires an argument -- 'r'\n`,
						);
					const rule = parseRewrite(text, MAX_SIGNAL);
					if (!rule) return refuse(DUMB_INIT_REWRITE_USAGE);
					rewrites.set(...rule);
				}
			}
		}
	}
	const command = args.slice(next);
	if (command.length === 0)
		return refuse(`Usage: ${name} [option] program [args]\nTry ${name} --help for full usage.\n`);

	if (env.DUMB_INIT_SETSID === "0") session = false;
	if (env.DUMB_INIT_DEBUG === "1") verbose = true;
	// A session without a shell has nobody who could continue what Ctrl-Z has stopped: SIGSTOP cannot be refused at least.
	if (session) for (const number of STOP_NUMBERS) if (!rewrites.has(number)) rewrites.set(number, SIGSTOP);
	return {
		type: "start",
		settings: {
			identity,
			command,
			verbosity: verbose ? 3 : 1,
			json: false,
			subreaper: false,
			parentDeathSignal: undefined,
			warnOnReap: false,
			reach: session ? "group" : "program",
			apart: session ? "session" : "none",
			expected: new Set(),
			rewrites,
			stopTimeoutMs: undefined,
			killStragglers: false,
			endGroup: true,
		},
	};
}

interface Option {
	readonly letter: string;
	readonly value?: string;
}

/** The options of one word; `undefined` if one of them is unknown. */
function expand(word: string): readonly Option[] | undefined {
	if (word.startsWith("--")) {
		const [long = "", ...values] = word.split("=");
		// getopt_long(3) takes any beginning that only one option has.
		const matches = Object.keys(LETTERS).filter((name) => name.startsWith(long));
		const letter = LETTERS[long] ?? (matches.length === 1 ? LETTERS[matches[0] ?? ""] : undefined);
		if (letter === undefined) return undefined;
		if (values.length === 0) return [{ letter }];
		return letter === "r" ? [{ letter, value: values.join("=") }] : undefined;
	}
	const options: Option[] = [];
	for (let index = 1; index < word.length; index++) {
		const letter = word[index] ?? "";
		if (letter === "r") {
			const value = word.slice(index + 1);
			options.push(value ? { letter, value } : { letter });
			return options;
		}
		if (!WITHOUT_VALUE.includes(letter)) return undefined;
		options.push({ letter });
	}
	return options;
}

function complaint(word: string): string {
	if (word.startsWith("--")) {
		const [long] = word.split("=");
		return LETTERS[long ?? ""] ? `option '${long}' doesn't allow an argument` : `unrecognized option '${word}'`;
	}
	const letter = [...word.slice(1)].find((each) => !WITHOUT_VALUE.includes(each) && each !== "r");
	return `invalid option -- '${letter}'`;
}

function refuse(stderr: string): Plan {
	return { type: "answer", code: EXIT_USAGE, stderr };
}

// ==== from dumb-init-words.ts

/** Notices in dumb-init's words: all of them for who debugs, but the failure to start the program. */

export function dumbInitWords(notice: Notice, setsid: boolean): readonly Line[] {
	switch (notice.type) {
		case "program.spawned":
			return debug(`Child spawned with PID ${notice.pid}.`, ...(setsid ? ["setsid complete."] : []));
		case "program.failed":
			return [["fatal", `${notice.program}: ${describeError(notice.errno)}`]];
		case "program.exited":
			return debug(`Child exited with status ${exitStatus(notice.status)}. Goodbye.`);
		case "signal.received":
			return debug(`Received signal ${notice.number}.`);
		case "signal.rewritten":
			return debug(`Translating signal ${notice.number} to ${notice.to}.`);
		case "signal.dropped":
			return debug(`Not forwarding signal ${notice.number} to children (ignored).`);
		case "signal.handedOff":
			return debug(`Ignoring tty hand-off signal ${notice.number}.`);
		case "signal.forwarded":
			return debug(`Forwarded signal ${notice.number} to children.`);
		case "process.reaped": {
			const { pid, status } = notice;
			return debug(
				status.signal === undefined
					? `A child with PID ${pid} exited with exit status ${status.code}.`
					: `A child with PID ${pid} was terminated by signal ${status.signal}.`,
			);
		}
		case "binding.missing":
			return [["warn", missing(notice.why)]];
		case "init.suspended":
			return debug("Suspending self due to TTY signal.");
		case "init.failed":
			return [["fatal", notice.error]];
		default:
			return [];
	}
}

function debug(...texts: string[]): readonly Line[] {
	return texts.map((text) => ["debug", text]);
}

function exitStatus({ code = 0, signal }: Status): number {
	return signal === undefined ? code : 128 + signal;
}
