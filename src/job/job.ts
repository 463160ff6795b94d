/** The interface of a job, and how a run of a job can end. */
import { clipped, type ErrorInfo } from "../base/errors.ts";
import type { KernelState } from "../os/processes/kernel-state.ts";
import type { ThreadPlace } from "../os/processes/locate-thread.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";

export type JobKind = "thread" | "process";

/**
 * How a run of a job ended. `killed`, `stuck`, `not-ready` and `unresponsive` are the init's doing, all others the job's own.
 *
 * - `finished`: the function of a thread returned
 * - `failed`: the function threw, or left a rejection or an exception unhandled
 * - `exited`: the thread called `process.exit(code)`, or the process ended with that code. `expected`: counts as
 *   success though it is not 0: one of `successExitCodes`, or 128 + the stop signal after the request to stop
 * - `signaled`: a signal ended the process: `SIGTERM`, or `SIGRTMIN+6`, which the type of Node.js lacks. `expected`: it
 *   was the stop signal, after the request to stop
 * - `out-of-memory`: the thread reached its `resourceLimits`
 * - `not-started`: the file could not be loaded, the program could not be run, no thread or process could be made, or a
 *   job that this one depends on failed
 * - `not-ready`: the job was not ready within its `startTimeout`, and was stopped
 * - `unresponsive`: the job failed the checks of its `liveness`, and was stopped
 * - `killed`: the job had not joined in time and was ended by force; its clean shutdown code did not run to its end
 * - `stuck`: killed, and still there: it is in native code, or in the kernel, which nothing can interrupt
 */
export type JobExit =
	| Readonly<{ outcome: "finished" | "killed" | "stuck" }>
	| Readonly<{ outcome: "exited"; code: number; expected?: true }>
	| Readonly<{ outcome: "signaled"; signal: string; expected?: true }>
	| Readonly<{ outcome: JobFailure; error: ErrorInfo }>;

type JobFailure = "failed" | "out-of-memory" | "not-started" | "not-ready" | "unresponsive";

/**
 * Where a job was when it had to be ended by force. `others`: the other processes of its group that were alive, as far
 * as they can be seen; twenty at most.
 */
export type Whereabouts =
	| ThreadPlace
	| (Readonly<{ type: "process"; pid: number; command: string; others: readonly ProcessInfo[] }> & KernelState);

/** One run of a job. */
export interface Job {
	readonly name: string;
	/** Thread id, or pid. 0 before the start, and if the start failed. */
	readonly id: number;
	/** Settles once, when the job has ended; never rejects. To join is to await it. */
	readonly exited: Promise<JobExit>;
	/** Settles when nothing of the job is left: after `exited`, or never. */
	readonly gone: Promise<void>;
	/** Never throws: a failure is an exit. */
	start(): void;
	/** Asks the job to stop: raises the flag, or sends the stop signal. Further calls do no harm. */
	requestStop(): void;
	/** Passes a signal on. `false` if there is no process to take it: threads take no signals. */
	signal(signal: NodeJS.Signals): boolean;
	/** Gives a late job the lowest priority. */
	giveWay(): void;
	/** For `liveness: {heartbeat}`: whether the job has shown a sign of life since the last call. Never throws. */
	hasShownLife(): boolean;
	/** Where the job is now, for the report. Takes at most `ms` milliseconds, never rejects, never blocks. */
	locate(ms: number): Promise<Whereabouts | undefined>;
	/** Ends the job by force; `exited` settles when that has worked. `false` if the job has ended by itself already. */
	kill(): boolean;
	/** Ends the wait for a killed job: `exited` settles with `stuck`, unless it has settled already. */
	giveUp(): void;
	/** Frees what the job still holds after its exit, while the program goes on. */
	release(): void;
}

/** What a stop needs of a job. */
export type Stoppable = Pick<Job, "name" | "id" | "exited" | "requestStop" | "locate" | "kill" | "giveUp">;

/** What a job reports while it runs. */
export interface JobHooks {
	/** The job says that it is ready. */
	readonly onReady: () => void;
	/** The leader has ended by itself, `rest` of its group has not: stop the job, and take `exit` for its outcome. */
	readonly onLeaderGone: (exit: JobExit, rest: readonly ProcessInfo[]) => void;
	/** Call `done` once the bytes are written, or dropped. */
	readonly onOutput: (stream: Stream, bytes: Uint8Array, done: () => void) => void;
	/** Bytes of the job's output were dropped during the stop: there was no room for them. */
	readonly onDropped: (bytes: number) => void;
}

/** What a run reports to its unit. The other hooks are the same for every run. */
export type RunHooks = Pick<JobHooks, "onReady" | "onLeaderGone">;

/** `log`: complete JSON lines, to be rendered like those of the init's own log. */
export type Stream = "stdout" | "stderr" | "log";

/** Whether the job ended as it should. */
export function isSuccess(exit: JobExit): boolean {
	if (exit.outcome === "exited" && exit.code === 0) return true;
	return exit.outcome === "finished" || ("expected" in exit && exit.expected === true);
}

/** Whether the job was ended by force, or even force did not end it. */
export function wasKilled({ outcome }: JobExit): boolean {
	return outcome === "killed" || outcome === "stuck";
}

/** The exit that a job has reported of itself. `undefined` if it is malformed: the job's code can send anything. */
export function checkExit(reported: Partial<JobExit> = {}): JobExit | undefined {
	const { outcome } = reported;
	if (outcome === "finished") return { outcome };
	if (outcome === "exited")
		return Number.isInteger(reported.code) ? { outcome, code: Number(reported.code) } : undefined;
	if (outcome !== "failed" && outcome !== "not-started") return undefined;
	const { name, message, stack, code } = reported.error ?? {};
	if (typeof name !== "string" || typeof message !== "string") return undefined;
	const optional = {
		...(typeof stack === "string" && { stack: clipped(stack) }),
		...(typeof code === "string" && { code: clipped(code) }),
	};
	return { outcome, error: { name: clipped(name), message: clipped(message), ...optional } };
}

const ENDS = {
	finished: "finished",
	killed: "was killed: its clean shutdown code did not finish",
	stuck: "did not end even when it was killed: it is stuck in native code or in the kernel",
};

/** In plain English, after the name of the job: `exited with code 3`. */
export function describeExit(exit: JobExit): string {
	if (exit.outcome === "exited") return `exited with code ${exit.code}`;
	if (exit.outcome === "signaled") return exit.expected ? `ended by ${exit.signal}` : `was killed by ${exit.signal}`;
	if (!("error" in exit)) return ENDS[exit.outcome];
	const { name, message } = exit.error;
	if (exit.outcome === "out-of-memory") return `ran out of memory: ${message}`;
	if (exit.outcome === "not-started") return `could not start: ${message}`;
	return exit.outcome === "failed" ? `failed: ${name}: ${message}` : `failed: ${message}`;
}
