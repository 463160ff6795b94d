/** Starts the program: through the C library where it can be reached, else as Node.js does. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { attempt } from "../base/errors.ts";
import { foreignFunctions } from "../os/ffi/ffi.ts";
import { libc } from "../os/ffi/libc.ts";
import { type Orphan, startReaper } from "../os/processes/reaper.ts";
import { inheritedDescriptors } from "../os/spawn/descriptors.ts";
import { spawnProgram } from "../os/spawn/spawn.ts";
import { leaveDirectory } from "./dumb-init.ts";
import type { Settings } from "./settings.ts";

/** Node.js puts this in the place of bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

export type Started =
	/** Nothing was started. `errno` says why: errno(3). */
	| { readonly errno: number }
	| {
			readonly pid: number;
			/** The kernel sends us SIGHUP and SIGCONT, because the terminal went to the program's session. */
			readonly lostTerminal?: boolean;
			/** Reports every process that is reaped: the program, and orphans. Call it in the same turn of the event loop. */
			watch(onReaped: (process: Orphan) => void): void;
	  };

export async function startProgram(settings: Settings): Promise<Started> {
	const ffi = foreignFunctions();
	const { command, apart, identity } = settings;
	const isDumbInit = identity.style === "dumb-init";
	if (!ffi) {
		const started = await startWithNode(settings);
		if (isDumbInit) leaveDirectory();
		return started;
	}
	// Before the spawn: the program may check at once whether we have left its directory.
	const directory = isDumbInit ? leaveDirectory() : undefined;
	const result = spawnProgram(ffi, { command: rawArguments(command), apart, directory });
	if ("errno" in result) return result;
	return {
		...result,
		watch(onReaped) {
			const c = libc();
			if (c) startReaper(c, onReaped);
		},
	};
}

/**
 * Node.js can give the program a process group only by setsid(2), and the new session has no terminal. So setsid(2) is
 * used only where signals go to the whole group. Otherwise the program stays in our group, and gets the terminal's
 * signals twice: from the terminal and from us.
 */
async function startWithNode({ command, reach }: Settings): Promise<Started> {
	const { spawn } = process.getBuiltinModule("node:child_process");
	const [program = "", ...args] = command;
	const stdio: (number | "ignore")[] = [];
	for (const fd of inheritedDescriptors()) stdio[fd] = fd;
	const child = spawn(program, args, { stdio: Array.from(stdio, (fd) => fd ?? "ignore"), detached: reach === "group" });
	const { pid } = child;
	if (pid === undefined) {
		const { promise, resolve } = Promise.withResolvers<number>();
		child.once("error", ({ errno = 0 }: NodeJS.ErrnoException) => resolve(-errno));
		return { errno: await promise };
	}
	return {
		pid,
		watch: (onReaped) =>
			child.once("exit", (code, signal) =>
				onReaped(signal ? { pid, signal: constants.signals[signal] } : { pid, code: code ?? 0 }),
			),
	};
}

/**
 * The program and its arguments as the bytes that came in: what Node.js has decoded lacks all that is not UTF-8.
 *
 * @param args The same as Node.js has decoded them. They are the last of our own arguments.
 */
function rawArguments(args: readonly string[]): readonly (string | Buffer)[] {
	if (!args.some((arg) => arg.includes(REPLACEMENT))) return args;
	const line = attempt(() => readFileSync("/proc/self/cmdline"));
	if (!line) return args;
	// Latin-1 has a character for each byte. Every argument ends with NUL, so the last part is empty.
	const raw = line
		.toString("latin1")
		.split("\0")
		.slice(-args.length - 1, -1);
	return raw.map((arg) => Buffer.from(arg, "latin1"));
}
