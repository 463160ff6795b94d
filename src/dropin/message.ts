/** Every message of the drop-in init, as plain data. tini-messages.ts and dumb-init.ts have the text. */
import type { WaitStatus } from "../os/ffi/libc.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";

export type Message =
	| { readonly type: "subreaper.registered" }
	/** @property fatal Whether we are not PID 1 either, so that no orphan comes to us. */
	| { readonly type: "subreaper.refused"; readonly fatal: boolean }
	| { readonly type: "parentDeathSignal.refused" }
	/** We are neither PID 1 nor a subreaper: orphans go to another process. */
	| { readonly type: "orphans.unreachable" }
	/** No foreign function interface loads here. */
	| { readonly type: "binding.missing"; readonly why: readonly string[] }
	| { readonly type: "realTimeSignals.unheard"; readonly why: string }
	| { readonly type: "program.spawned"; readonly program: string; readonly pid: number }
	| { readonly type: "program.failed"; readonly program: string; readonly errno: number }
	| { readonly type: "program.exited"; readonly status: WaitStatus }
	/** The stop timeout has passed. `late` are the processes that were still running. */
	| { readonly type: "program.killed"; readonly waitedMs: number; readonly late: readonly ProcessInfo[] }
	| { readonly type: "signal.received"; readonly number: number }
	| { readonly type: "signal.rewritten"; readonly number: number; readonly to: number }
	/** The kernel sent the signal because the terminal went to the program. */
	| { readonly type: "signal.handedOff"; readonly number: number }
	| { readonly type: "signal.dropped"; readonly number: number }
	| { readonly type: "signal.forwarded"; readonly number: number }
	| { readonly type: "signal.undeliverable"; readonly number: number }
	| { readonly type: "process.reaped"; readonly pid: number; readonly isProgram: boolean; readonly status: WaitStatus }
	| {
			readonly type: "stragglers.ended";
			readonly found: readonly ProcessInfo[];
			readonly killed: readonly ProcessInfo[];
	  }
	/** We stop ourselves, as the terminal has stopped the program. */
	| { readonly type: "init.suspended" }
	| { readonly type: "init.failed"; readonly error: string }
	| { readonly type: "init.exiting"; readonly code: number; readonly childrenLeft: boolean };

export type Print = (message: Message) => void;

/** From the most important level to the least. */
export const LEVELS = ["fatal", "warn", "info", "debug", "trace"] as const;
export type Level = (typeof LEVELS)[number];

export type Line = readonly [level: Level, text: string];

/** The exit status of a process as a shell reports it: 128 + n if signal n ended the process. */
export function exitStatus({ code = 0, signal }: WaitStatus): number {
	return signal === undefined ? code : 128 + signal;
}
