/** Starts the program, through the C library where we can reach it, else as Node.js does. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { attempt } from "../base/errors.ts";
import { foreignFunctions } from "../os/ffi/ffi.ts";
import { libc } from "../os/ffi/libc.ts";
import { type Orphan, startReaper } from "../os/processes/reaper.ts";
import { inheritedDescriptors } from "../os/spawn/descriptors.ts";
import { type SpawnResult, spawnProgram } from "../os/spawn/spawn.ts";
import type { Settings } from "./settings.ts";

/** A program that runs, and how to hear of its end and of the orphans'. */
export type Started =
	| (SpawnResult & { readonly errno: number })
	| {
			readonly pid: number;
			readonly lostTerminal: boolean;
			/** Call it at once. The program is among the processes it tells of. */
			watch(onReaped: (process: Orphan) => void): void;
	  };

export async function startProgram(settings: Settings): Promise<Started> {
	const ffi = foreignFunctions();
	const { command, apart, identity } = settings;
	// dumb-init leaves the program's directory, so that it can be unmounted: before the program can look.
	const leaves = identity.style === "dumb-init";
	if (!ffi) {
		const started = await startWithNode(settings);
		if (leaves) leaveDirectory();
		return started;
	}
	const directory = leaves ? leaveDirectory() : undefined;
	const result = spawnProgram(ffi, {
		command: rawArguments(command),
		apart,
		directory,
	});
	if ("errno" in result) return result;
	const { pid, lostTerminal = false } = result;
	return {
		pid,
		lostTerminal,
		watch(onReaped) {
			const c = libc();
			if (c) startReaper(c, onReaped);
		},
	};
}

/** @returns Where we were; `undefined` if we had to stay there. */
function leaveDirectory(): string | undefined {
	return attempt(() => {
		const directory = process.cwd();
		process.chdir("/");
		return directory;
	});
}

/**
 * No process group but by a session of its own, which has no terminal then: only where the whole group is to be signalled.
 * Else the terminal sends its signals to both of us, and the program gets them twice.
 */
async function startWithNode(settings: Settings): Promise<Started> {
	const { spawn } = process.getBuiltinModule("node:child_process");
	const [program = "", ...args] = settings.command;
	const stdio: (number | "ignore")[] = [];
	for (const fd of inheritedDescriptors()) stdio[fd] = fd;
	const child = spawn(program, args, {
		stdio: Array.from(stdio, (fd) => fd ?? "ignore"),
		detached: settings.reach === "group",
	});
	const { pid } = child;
	if (pid === undefined) {
		const { promise, resolve } = Promise.withResolvers<number>();
		child.once("error", ({ errno = 0 }: NodeJS.ErrnoException) => resolve(-errno));
		return { errno: await promise };
	}
	return {
		pid,
		lostTerminal: false,
		watch: (onReaped) =>
			child.once("exit", (code, signal) =>
				onReaped(signal ? { pid, signal: constants.signals[signal] } : { pid, code: code ?? 0 }),
			),
	};
}

// ==== from raw-arguments.ts

const NUL = 0;
/** What Node.js puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = "\ufffd";

/** The last of our arguments, with their bytes as they came in: Node.js hands them out decoded. */
export function rawArguments(args: readonly string[]): readonly (string | Buffer)[] {
	if (!args.some((arg) => arg.includes(REPLACEMENT))) return args;
	const line = attempt(() => readFileSync("/proc/self/cmdline"));
	if (!line) return args;
	const raw: Buffer[] = [];
	for (let start = 0; start < line.length; ) {
		const end = line.indexOf(NUL, start);
		raw.push(line.subarray(start, end));
		start = end + 1;
	}
	return raw.slice(-args.length);
}
