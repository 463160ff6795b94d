/** The interface of a job, and how a run of a job can end. */
import type { ErrorInfo } from "../base/errors.ts";
import type { KernelState } from "../os/processes/kernel-state.ts";
import type { ThreadPlace } from "../os/processes/locate-thread.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";

export type JobKind = "thread" | "process";

/**
 * How a run of a job ended. `killed`, `stuck` and `not-ready` are the init's doing, all others the job's own.
 *
 * - `finished`: a thread's function returned
 * - `failed`: it threw, or left a rejection or an exception unhandled
 * - `exited`: it called `process.exit(code)`, or the process ended with that code
 * - `signaled`: a signal ended the process
 * - `out-of-memory`: it reached its `resourceLimits`
 * - `not-started`: its file could not be loaded, its program not be run, no thread or process be made, or what it depends on failed
 * - `not-ready`: it was not ready within its `startTimeout`, and was stopped
 * - `killed`: it had not joined in time and was ended by force; its clean shutdown code did not run, or not to its end
 * - `stuck`: killed, and still there: it is in native code, or in the kernel, which nothing can interrupt
 */
export type JobExit =
	| { readonly outcome: "finished" | "killed" | "stuck" }
	| {
			readonly outcome: "exited";
			readonly code: number;
			/** It counts as success though it is not 0: `successExitCodes`, or 128 + the stop signal after a request. */
			readonly expected?: true;
	  }
	| {
			readonly outcome: "signaled";
			/** `SIGTERM`; `SIGRTMIN+6`, of which Node.js's own type knows nothing. */
			readonly signal: string;
			/** The stop signal, after it was asked: it did as it was told. */
			readonly expected?: true;
	  }
	| {
			readonly outcome: "failed" | "out-of-memory" | "not-started" | "not-ready";
			readonly error: ErrorInfo;
	  };

/** Where a job was when it had to be ended by force. */
export type Whereabouts =
	| ThreadPlace
	| ({
			readonly type: "process";
			readonly pid: number;
			readonly command: string;
			/** The other processes of its group that were alive, as far as they can be seen; twenty at the most. */
			readonly others: readonly ProcessInfo[];
	  } & KernelState);

/** One run of a job, whatever it is made of. */
export interface Job {
	readonly name: string;
	/** Thread id, or pid. 0 before start, and if the start failed. */
	readonly id: number;
	/** Settles once when the job is gone, never rejects. To join is to await it. */
	readonly exited: Promise<JobExit>;
	/** Starts it. Never throws: a failure is an exit. */
	start(): void;
	/** Asks: raises the flag, sends the stop signal. Once is enough, more does no harm. */
	requestStop(): void;
	/** Passes a signal on. `false` if it is not there, or is a thread: threads take no signals. */
	signal(signal: NodeJS.Signals): boolean;
	/** It is late: from here on it runs at the lowest priority. */
	giveWay(): void;
	/** Where it is at this moment, for the report. Takes no longer than `ms`, never rejects, does not disturb the main thread. */
	locate(ms: number): Promise<Whereabouts | undefined>;
	/** Forces. Whether and when it works shows in `exited`. `false` if it has ended already, and `exited` is about to settle. */
	kill(): boolean;
	/** Waits no longer for a killed job: `exited` settles with `stuck`, unless it has settled already. */
	giveUp(): void;
	/** It has exited and the program goes on: frees what it still holds. */
	release(): void;
	/** Settles when nothing of it is left: after `exited`, or never. */
	readonly gone: Promise<void>;
}

/** What a job tells of itself while it runs. */
export interface JobHooks {
	/** It says that it is ready. */
	readonly onReady: () => void;
	/** Its first process has ended by itself, and these of its group are left. The job is to be stopped, and its outcome is `exit`. */
	readonly onLeaderGone: (exit: JobExit, rest: readonly ProcessInfo[]) => void;
	/** `done` is to be called once the bytes have left, or were dropped. */
	readonly onOutput: (stream: Stream, bytes: Uint8Array, done: () => void) => void;
	/** So many bytes of its output found no room during the stop. */
	readonly onDropped: (bytes: number) => void;
}

/** What a run tells its unit. The other hooks are the same for every run. */
export type RunHooks = Pick<JobHooks, "onReady" | "onLeaderGone">;

/** `log`: complete JSON lines, to be rendered as those of the init's own log. */
export type Stream = "stdout" | "stderr" | "log";

/** Whether the job did what it was there for. */
export function isSuccess(exit: JobExit): boolean {
	switch (exit.outcome) {
		case "finished":
			return true;
		case "exited":
			return exit.code === 0 || exit.expected === true;
		case "signaled":
			return exit.expected === true;
		default:
			return false;
	}
}

/** Whether it took force, or even that did not help. */
export function wasKilled({ outcome }: JobExit): boolean {
	return outcome === "killed" || outcome === "stuck";
}
