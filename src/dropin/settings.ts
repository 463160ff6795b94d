/** What the arguments, the environment and the name of the program ask of the drop-in init. */
import { constants } from "node:os";
import { basename } from "node:path";
import type { Apartness } from "../os/spawn/spawn.ts";

/** The highest signal number: that of the last real-time signal. */
export const MAX_SIGNAL = 64;

export interface Settings {
	readonly identity: Identity;
	/** The program and its arguments, untouched. */
	readonly command: readonly string[];
	/** The last level of messages to print: 0 fatal, 1 warn, 2 info, 3 debug, 4 trace. */
	readonly verbosity: number;
	/** What signals are sent to. */
	readonly reach: "program" | "group";
	readonly apart: Apartness;
	/** Exit codes that become 0. */
	readonly expected: ReadonlySet<number>;
	/** Received signal → the one to send; 0 drops it. */
	readonly rewrites: ReadonlyMap<number, number>;

	// From here on: settings that dumb-init does not have.
	/** Print messages as JSON lines. */
	readonly json?: boolean;
	/** Adopt orphans without being PID 1. */
	readonly subreaper?: boolean;
	/** The signal that the kernel sends us when our parent dies. */
	readonly parentDeathSignal?: number | undefined;
	/** Warn about each reaped process that is not the program. */
	readonly warnOnReap?: boolean;
	/** Milliseconds between a stop signal and SIGKILL. @default never */
	readonly stopTimeoutMs?: number | undefined;
	/** End every other process in the PID namespace once the program has ended. */
	readonly killStragglers?: boolean;
}

/** What to do: start a program, or just print something. */
export type Plan =
	| { readonly type: "start"; readonly settings: Settings }
	| { readonly type: "answer"; readonly code: number; readonly stdout?: string; readonly stderr?: string };

/** The name we were called by. It decides which flags are understood, and whose messages are printed. */
export interface Identity {
	/** The name itself, for usage messages. */
	readonly name: string;
	/** Whose messages. docker-init has `tini`: it is tini under the engine's name for it. */
	readonly style: "lastcall" | "tini" | "dumb-init";
	/** Whether `run` and the other subcommands exist. Under a foreign name every first word is a program. */
	readonly subcommands: boolean;
}

const STYLES: Readonly<Record<string, Identity["style"]>> = {
	tini: "tini",
	"tini-static": "tini",
	"docker-init": "tini",
	"dumb-init": "dumb-init",
	"lastcall-init": "lastcall",
};

/** @param path The path by which the script, or the single executable, was called. */
export function identify(path: string): Identity {
	const name = basename(path);
	const style = Object.hasOwn(STYLES, name) && STYLES[name];
	return style ? { name, style, subcommands: false } : { name: "lastcall", style: "lastcall", subcommands: true };
}

/** @param name An upper-case name such as `SIGTERM`. */
export function parseSignalName(name: string): number | undefined {
	return Object.hasOwn(constants.signals, name) ? constants.signals[name as NodeJS.Signals] : undefined;
}

/**
 * Reads a rewriting rule such as `15:3`: the received signal, and the one to send instead (0 for none).
 *
 * @returns `undefined` if the text is no such rule.
 */
export function parseRewrite(text: string, max: number): readonly [from: number, to: number] | undefined {
	const match = /^(\d+):(\d+)$/.exec(text);
	if (!match) return undefined;
	const [from, to] = [Number(match[1]), Number(match[2])];
	return from >= 1 && from <= max && to <= max ? [from, to] : undefined;
}
