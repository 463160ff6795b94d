/** The one file that uses execa: it starts the leader of a process job, and splits a command that is text. */
import type { ExecaError } from "execa";
import { type ErrorInfo, errorInfo } from "../../base/errors.ts";
import { loadPackage, type Packages } from "../../base/packages.ts";
import { hideStreams } from "../output/stderr.ts";

interface Leader {
	/** Program and arguments; no shell is involved. */
	readonly command: readonly string[];
	readonly cwd: string;
	/** Whether its standard output and error are pipes to us, and not our own. */
	readonly hasPipes: boolean;
}

/** Splits a text at its blanks. A backslash keeps a blank; quotes have no meaning. */
export function splitCommand(text: string): string[] {
	return quietly(({ parseCommandString }) => parseCommandString(text));
}

/**
 * Starts the leader. `descriptors`: what it gets from descriptor 3 on, a descriptor of ours or a new socket. Throws if
 * the arguments themselves are invalid: if they contain a null byte, for instance.
 *
 * Execa is loaded only where a configuration has a process. We use only its start, and its message about a start that
 * failed. The rest is turned off or not used: its promise waits for every process that holds a pipe, its kill() reaches
 * only one process, its clean-up kills that process when ours exits. The job uses `nodeChildProcess`, the
 * `ChildProcess` of node:child_process: it carries the signals, and its `exit` is the leader's end.
 */
export function startLeader(
	{ command, cwd, hasPipes }: Leader,
	env: NodeJS.ProcessEnv,
	descriptors: readonly (number | "pipe")[],
) {
	const [program = "", ...args] = command;
	const stream = hasPipes ? "pipe" : "inherit";
	return quietly(({ execa }) =>
		execa(program, args, {
			env,
			extendEnv: false,
			cwd,
			detached: true,
			// Execa takes numbers there, too; only its types do not.
			stdio: ["ignore", stream, stream, ...(descriptors as readonly "pipe"[])],
			buffer: false,
			reject: false,
			cleanup: false,
			forceKillAfterDelay: false,
			stripFinalNewline: false,
			verbose: "none",
		}),
	);
}

/** Why the leader could not be started, with the command as for a shell. Execa's own stack is of no use to users. */
export function explainFailure(result: object): ErrorInfo {
	const error = result as ExecaError;
	const { stack: _, ...info } = errorInfo(error);
	return { ...info, message: error.shortMessage.replace("\n", ": ") };
}

/**
 * Execa is loaded on the first call. It looks at the init's own process.stdout and process.stderr then, and at each start.
 * To touch these makes the descriptors non-blocking for all processes that share them.
 */
function quietly<Result>(use: (execa: Packages["execa"]) => Result): Result {
	return hideStreams(() => use(loadPackage("execa")));
}
