import type { Apartness } from "../os/spawn.ts";
import type { Identity } from "./identity.ts";

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
