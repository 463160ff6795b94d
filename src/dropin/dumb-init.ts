/** dumb-init's personality: its flags, environment variables, help, messages and habits. */
import { attempt } from "../base/errors.ts";
import { describeError } from "../os/signals/names.ts";
import { exitStatus, type Line, type Message, type Print } from "./message.ts";
import { type Identity, type Plan, parseRewrite } from "./settings.ts";
import { missing } from "./tini-messages.ts";

/** The version whose behaviour this is. */
const VERSION = "dumb-init v1.2.5\n";

/** dumb-init knows no real-time signals. */
const MAX_SIGNAL = 31;
const SIGSTOP = 19;
/** The terminal's stop signals, which dumb-init passes on, too. */
export const dumbInitListensTo: readonly NodeJS.Signals[] = ["SIGTSTP", "SIGTTIN", "SIGTTOU"];
const STOP_NUMBERS: readonly number[] = [20, 21, 22];

const LONG_OPTIONS = [
	["--help", "h"],
	["--single-child", "c"],
	["--rewrite", "r"],
	["--verbose", "v"],
	["--version", "V"],
] as const;

function usage({ name }: Identity): string {
	return `${VERSION}Usage: ${name} [option] command [[arg] ...]

Runs a command as the init of a container: passes signals on to its session, reaps
orphans, ends with its exit code.

Optional arguments:
   -c, --single-child   Send signals to the command alone, not to its session.
   -r, --rewrite s:r    Send signal number r for a received s; 0 to drop it.
                        This option can be given more than once.
   -v, --verbose        Print debugging information to stderr.
   -h, --help           Print this help.
   -V, --version        Print the version.
`;
}

const REWRITE_USAGE = `Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.
This option can be specified multiple times.
Use --help for full usage.
`;

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
		const isLong = word.startsWith("--");
		const options = isLong ? expandLong(word) : expandCluster(word);
		if (typeof options === "string") return answer(1, `${name}: ${options}\n`);
		for (const { letter, attached } of options) {
			if (letter === "h") return answer(0, usage(identity));
			if (letter === "V") return answer(0, VERSION);
			if (letter === "c") session = false;
			if (letter === "v") verbose = true;
			if (letter !== "r") continue;
			const value = attached ?? args[++next];
			if (value === undefined) {
				const complaint = isLong ? "option '--rewrite' requires an argument" : "option requires an argument -- 'r'";
				return answer(1, `${name}: ${complaint}\n`);
			}
			const rule = parseRewrite(value, MAX_SIGNAL);
			if (!rule) return answer(1, REWRITE_USAGE);
			rewrites.set(...rule);
		}
	}
	const command = args.slice(next);
	if (command.length === 0)
		return answer(1, `Usage: ${name} [option] program [args]\nTry ${name} --help for full usage.\n`);

	if (env.DUMB_INIT_SETSID === "0") session = false;
	if (env.DUMB_INIT_DEBUG === "1") verbose = true;
	// The leader of a new session is in an orphaned process group: there the kernel discards these signals, but not SIGSTOP.
	if (session) for (const number of STOP_NUMBERS) if (!rewrites.has(number)) rewrites.set(number, SIGSTOP);
	return {
		type: "start",
		settings: {
			identity,
			command,
			verbosity: verbose ? 3 : 1,
			reach: session ? "group" : "program",
			apart: session ? "session" : "none",
			expected: new Set(),
			rewrites,
		},
	};
}

interface Option {
	readonly letter: string;
	/** A value in the same word. */
	readonly attached?: string | undefined;
}

/** @returns The option, in a list. If the word is no option: what is wrong, in the text of getopt_long(3). */
function expandLong(word: string): readonly Option[] | string {
	const [long = "", ...values] = word.split("=");
	// getopt_long(3) takes any abbreviation that is unambiguous.
	const matches = LONG_OPTIONS.filter(([name]) => name.startsWith(long));
	const [match] = matches;
	if (!match) return `unrecognized option '${word}'`;
	if (matches.length > 1)
		return `option '${word}' is ambiguous; possibilities: ${matches.map(([name]) => `'${name}'`).join(" ")}`;
	const [name, letter] = match;
	if (values.length === 0) return [{ letter }];
	return letter === "r" ? [{ letter, attached: values.join("=") }] : `option '${name}' doesn't allow an argument`;
}

/** `-cv`: flags in one word. What follows an `r` is its value. */
function expandCluster(word: string): readonly Option[] | string {
	const [, flags = "", rewrite, rest = ""] = /^-([cvhV]*)(r?)(.*)$/su.exec(word) ?? [];
	const options: Option[] = [...flags].map((letter) => ({ letter }));
	if (rewrite) return [...options, { letter: "r", attached: rest || undefined }];
	return rest ? `invalid option -- '${[...rest][0]}'` : options;
}

function answer(code: number, stderr: string): Plan {
	return { type: "answer", code, stderr };
}

/**
 * Leaves the directory that we were started in, so that it can be unmounted.
 *
 * @returns That directory; `undefined` if we had to stay there.
 */
export function leaveDirectory(): string | undefined {
	return attempt(() => {
		const directory = process.cwd();
		process.chdir("/");
		return directory;
	});
}

/** Stops us, too, at a stop signal of the terminal. The shell that started us sees it, and we pass on its SIGCONT. */
export function suspendAt(signal: number, print: Print): void {
	if (!STOP_NUMBERS.includes(signal)) return;
	print({ type: "init.suspended" });
	process.kill(process.pid, "SIGSTOP");
}

/** A message as dumb-init prints it: all of them are debugging output, except a failure. */
export function dumbInitMessages(message: Message, setsid: boolean): readonly Line[] {
	switch (message.type) {
		case "program.spawned":
			return debug(`Child spawned with PID ${message.pid}.`, ...(setsid ? ["setsid complete."] : []));
		case "program.failed":
			return [["fatal", `${message.program}: ${describeError(message.errno)}`]];
		case "program.exited":
			return debug(`Child exited with status ${exitStatus(message.status)}. Goodbye.`);
		case "signal.received":
			return debug(`Received signal ${message.number}.`);
		case "signal.rewritten":
			return debug(`Translating signal ${message.number} to ${message.to}.`);
		case "signal.dropped":
			return debug(`Not forwarding signal ${message.number} to children (ignored).`);
		case "signal.handedOff":
			return debug(`Ignoring tty hand-off signal ${message.number}.`);
		case "signal.forwarded":
			return debug(`Forwarded signal ${message.number} to children.`);
		case "process.reaped": {
			const { code, signal } = message.status;
			const how = signal === undefined ? `exited with exit status ${code}` : `was terminated by signal ${signal}`;
			return debug(`A child with PID ${message.pid} ${how}.`);
		}
		case "binding.missing":
			return [["warn", missing(message.why)]];
		case "init.suspended":
			return debug("Suspending self due to TTY signal.");
		case "init.failed":
			return [["fatal", message.error]];
		default:
			return [];
	}
}

function debug(...texts: string[]): readonly Line[] {
	return texts.map((text) => ["debug", text]);
}
