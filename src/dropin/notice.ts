/** Everything the foreground program's init may have to say, as plain data; the words are elsewhere. */
import type { ProcessInfo } from "../os/processes/processes.ts";

/** How a process ended. */
export interface Status {
	readonly code?: number;
	readonly signal?: number;
}

export type Notice =
	| { readonly type: "subreaper.registered" }
	| {
			readonly type: "subreaper.refused";
			/** Whether orphans will not come to us. */
			readonly fatal: boolean;
	  }
	/** The parent's death will not be told. */
	| { readonly type: "parentDeathSignal.refused" }
	/** Neither PID 1 nor subreaper: orphans go to somebody else. */
	| { readonly type: "orphans.unreachable" }
	/** No foreign function interface loads here. */
	| { readonly type: "binding.missing"; readonly why: readonly string[] }
	| { readonly type: "realTimeSignals.unheard"; readonly why: string }
	| {
			readonly type: "program.spawned";
			readonly program: string;
			readonly pid: number;
	  }
	| {
			readonly type: "program.failed";
			readonly program: string;
			readonly errno: number;
	  }
	| { readonly type: "program.exited"; readonly status: Status }
	| {
			/** It had not ended in time after a stop signal. */
			readonly type: "program.killed";
			readonly waitedMs: number;
			/** Who was still there. */
			readonly late: readonly ProcessInfo[];
	  }
	| { readonly type: "signal.received"; readonly number: number }
	| {
			readonly type: "signal.rewritten";
			readonly number: number;
			readonly to: number;
	  }
	/** The kernel has sent it because the terminal went to the program. */
	| { readonly type: "signal.handedOff"; readonly number: number }
	| { readonly type: "signal.dropped"; readonly number: number }
	| { readonly type: "signal.forwarded"; readonly number: number }
	| { readonly type: "signal.undeliverable"; readonly number: number }
	| {
			readonly type: "process.reaped";
			readonly pid: number;
			readonly isProgram: boolean;
			readonly status: Status;
	  }
	| {
			readonly type: "stragglers.ended";
			readonly found: readonly ProcessInfo[];
			readonly killed: readonly ProcessInfo[];
	  }
	/** Stopped by the terminal, together with the program. */
	| { readonly type: "init.suspended" }
	| { readonly type: "init.failed"; readonly error: string }
	| {
			readonly type: "init.exiting";
			readonly code: number;
			readonly childrenLeft: boolean;
	  };

export type Tell = (notice: Notice) => void;

export const LEVELS = ["fatal", "warn", "info", "debug", "trace"] as const;
export type Level = (typeof LEVELS)[number];

/** A line, and how important it is. */
export type Line = readonly [level: Level, text: string];
