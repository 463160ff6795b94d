/**
 * Starts the first process of a job: execa. Loaded only where a configuration has a process.
 *
 * Only its start, and what it says of one that fails, are wanted: its promise waits for whoever holds a pipe, its kill() for one
 * process only, its clean-up for the end of ours. So these are turned off, and what it hands out is the `ChildProcess` of
 * node:child_process, whose `exit` is the end and which carries the signals.
 */
import type { ChildProcess } from "node:child_process";
import type { ExecaError } from "execa";
import { type ErrorInfo, errorInfo } from "../errors.ts";
import { hideStreams } from "../os/stderr.ts";
import { loadPackage } from "../packages.ts";

export interface LeaderOptions {
	/** All of it: nothing of our own environment is added. */
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	/** Where standard output and error go. */
	readonly output: "inherit" | "pipe";
	/** Whether it has a socket as its descriptor 3. */
	readonly hasChannel: boolean;
}

export interface Leader {
	readonly child: ChildProcess;
	/** Why it could not be started, with its command as it can be pasted into a shell; undefined if it was. */
	readonly failed: Promise<ErrorInfo> | undefined;
}

/** Throws what is wrong with the arguments themselves: a null byte, say. */
export function startLeader(
	[program = "", ...args]: readonly string[],
	{ env, cwd, output, hasChannel }: LeaderOptions,
): Leader {
	// It looks at the streams of the process when it is loaded and at each start. Touching them would make them non-blocking for all
	// who share them.
	const subprocess = hideStreams(() =>
		loadPackage("execa").execa(program, args, {
			env,
			extendEnv: false,
			cwd,
			detached: true,
			stdio: [
				"ignore",
				output,
				output,
				...(hasChannel ? ["pipe" as const] : []),
			],
			buffer: false,
			reject: false,
			cleanup: false,
			forceKillAfterDelay: false,
			stripFinalNewline: false,
			verbose: "none",
		}),
	);
	const { nodeChildProcess: child } = subprocess;
	const failed =
		child.pid === undefined
			? subprocess.then((result) => describe(result as ExecaError))
			: undefined;
	return { child, failed };
}

/** What execa's own stack leads to is in here: of no use to anybody. */
function describe(error: ExecaError): ErrorInfo {
	const { stack: _, ...info } = errorInfo(error);
	return { ...info, message: error.shortMessage.replace("\n", ": ") };
}
