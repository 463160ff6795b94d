/** What the arguments, the environment and the name of the program ask of the drop-in init. */
import { constants } from "node:os";
import { basename } from "node:path";
import type { Apartness } from "../os/spawn/spawn.ts";

/** What the arguments and the environment ask of the foreground program's init. */
export interface Settings {
	readonly identity: Identity;
	/** The program and its arguments, untouched. */
	readonly command: readonly string[];
	/** Messages up to this level: 0 fatal, 1 warn, 2 info, 3 debug, 4 trace. */
	readonly verbosity: number;
	/** Messages as JSON lines. */
	readonly json: boolean;
	/** Adopt orphans though not PID 1. */
	readonly subreaper: boolean;
	/** The signal that the kernel is to send us when our parent dies. */
	readonly parentDeathSignal: number | undefined;
	/** Warn of each reaped process that is not the program. */
	readonly warnOnReap: boolean;
	/** Whom signals go to. */
	readonly reach: "program" | "group";
	readonly apart: Apartness;
	/** Exit codes that become 0. */
	readonly expected: ReadonlySet<number>;
	/** Received signal → the one to send; 0 drops it. */
	readonly rewrites: ReadonlyMap<number, number>;
	/** Milliseconds between a stop signal and SIGKILL. @default never */
	readonly stopTimeoutMs: number | undefined;
	/** End whatever is left in the PID namespace once the program has ended. */
	readonly killStragglers: boolean;
	/** dumb-init: once the program has ended its group gets SIGTERM. */
	readonly endGroup: boolean;
}

/** What to do: start a program, or just answer. */
export type Plan =
	| { readonly type: "start"; readonly settings: Settings }
	| {
			readonly type: "answer";
			readonly code: number;
			readonly stdout?: string;
			readonly stderr?: string;
	  };

// ==== from identity.ts

/** By which name we were called: it decides whose flags are understood, and whose words are printed. */

export interface Identity {
	/** As we were called; goes into usage messages. */
	readonly name: string;
	/** Whose words. `tini` also for docker-init, which is tini under the engine's name for it. */
	readonly style: "lastcall" | "tini" | "dumb-init";
	/** Whether `run` and the other subcommands exist; under a foreign name every first word is a program. */
	readonly subcommands: boolean;
}

const IDENTITIES: Readonly<Record<string, Omit<Identity, "name">>> = {
	tini: { style: "tini", subcommands: false },
	"tini-static": { style: "tini", subcommands: false },
	"docker-init": { style: "tini", subcommands: false },
	"dumb-init": { style: "dumb-init", subcommands: false },
	"lastcall-init": { style: "lastcall", subcommands: false },
};

/** @param path The path by which the script, or the single executable, was called. */
export function identify(path: string): Identity {
	const name = basename(path);
	const known = Object.hasOwn(IDENTITIES, name) && IDENTITIES[name];
	if (known) return { name, ...known };
	return { name: "lastcall", style: "lastcall", subcommands: true };
}

// ==== from signal-names.ts

export const MAX_SIGNAL = 64;

/** The number of an upper-case name such as `SIGTERM`. */
export function signalNumber(name: string): number | undefined {
	return Object.hasOwn(constants.signals, name) ? constants.signals[name as NodeJS.Signals] : undefined;
}

/**
 * Reads a rewriting rule such as `15:3`: the received signal, and the one to send instead; 0 for none.
 *
 * @returns `undefined` if it is none.
 */
export function parseRewrite(text: string, max: number): readonly [from: number, to: number] | undefined {
	const match = /^(\d+):(\d+)$/.exec(text);
	if (!match) return undefined;
	const [from, to] = [Number(match[1]), Number(match[2])];
	return from >= 1 && from <= max && to <= max ? [from, to] : undefined;
}
