/**
 * Everything that can happen, as plain data. The supervisor and the init emit events, `observe/` reads them. Neither
 * side knows the other. Each log line carries the type of its event in the field `event`.
 */
import type { ErrorInfo } from "../base/errors.ts";
import type { JobExit, JobKind, Whereabouts } from "../job/job.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import type { StragglerReport } from "../os/processes/stragglers.ts";

/** Why the program stops. */
export type StopReason =
	/** `early`: the signal came while Node.js was still starting. */
	| Readonly<{ type: "signal"; signal: string; number: number; early: boolean }>
	/** An essential job has ended. */
	| Readonly<{ type: "job"; job: string; exit: JobExit }>
	/** `lastcall stop` without a job. */
	| Readonly<{ type: "command" }>
	/** The last job has ended, and none was essential. */
	| Readonly<{ type: "idle" }>
	/** The main thread has thrown an error: a bug of ours. */
	| Readonly<{ type: "error"; error: ErrorInfo }>;

/**
 * A job was late, and was ended by force: `waitedMs` milliseconds after the request to stop. `where` is the place where
 * the job was then; absent if nothing could be found out in time.
 */
export type ForcedEnd = Readonly<{ waitedMs: number; where?: Whereabouts }>;

/** How a job reacted to the stop. */
export interface JobStop {
	readonly job: string;
	readonly exit: JobExit;
	/** Set if the job had ended, and its exit was reported, before the program's stop was requested. */
	readonly endedBefore?: true;
	/** Milliseconds from the program's stop request until this job was asked. Absent if the job had ended by then. */
	readonly askedMs?: number;
	/** Milliseconds from the request to this job until its exit; 0 for a job that was not asked. */
	readonly tookMs: number;
	/** Milliseconds the job still had when it exited. */
	readonly leftMs?: number;
	readonly killed?: ForcedEnd;
}

export interface StopReport {
	readonly reason: StopReason;
	readonly jobs: readonly JobStop[];
	readonly stragglers: StragglerReport;
	/** Milliseconds from the stop request until everything had ended. */
	readonly tookMs: number;
	/** The stop timeout. */
	readonly budgetMs: number;
	/** The jobs' share of the stop timeout: their deadline. */
	readonly jobsMs: number;
	readonly exitCode: number;
}

export type Event =
	| Readonly<{
			type: "init.started";
			version: string;
			pid: number;
			node: string;
			/** What makes the foreign calls; `none`: no orphan is reaped. */
			binding: "node:ffi" | "koffi" | "none";
			role: "init" | "subreaper" | "none";
			jobs: number;
			/** The stop timeout. */
			budgetMs: number;
			/** Where the stop timeout comes from, in words. */
			budgetSource: string;
	  }>
	| Readonly<{ type: "signal.received"; signal: string; number: number; early: boolean }>
	/** `jobs`: the jobs that are processes; threads take no signals. */
	| Readonly<{ type: "signal.forwarded"; signal: NodeJS.Signals; jobs: readonly string[] }>
	/** A command came through the socket. */
	| Readonly<{
			type: "command.received";
			command: "stop" | "start" | "restart" | "signal";
			job?: string;
			signal?: string;
	  }>
	/** `id`: thread id, or pid. `ready`: the job counts as ready from its start on. */
	| Readonly<{ type: "job.started"; job: string; kind: JobKind; id: number; ready: boolean }>
	/** A command has put the job back to waiting: it starts as soon as the jobs it depends on are ready. */
	| Readonly<{ type: "job.waiting"; job: string }>
	/** The job is on its schedule. `next`: its first date, in milliseconds since the epoch; absent if there is none. */
	| Readonly<{ type: "job.scheduled"; job: string; next?: number }>
	/** A date of its schedule has come while the job still ran. Said once for each run, however many dates it skips. */
	| Readonly<{ type: "job.skipped"; job: string }>
	/** The job was stopped while it waited for its start: it will not be started. */
	| Readonly<{ type: "job.withdrawn"; job: string }>
	/** A probe succeeded, or the job said that it is ready. */
	| Readonly<{ type: "job.ready"; job: string }>
	/** `detail`: why the job does not count as ready: the last answer to a probe, for instance. */
	| Readonly<{ type: "job.startTimedOut"; job: string; waitedMs: number; detail: string }>
	/** The job has failed the checks of its `liveness`, and is stopped now. `found`: the last result. */
	| Readonly<{ type: "job.unresponsive"; job: string; id: number; found: string; where?: Whereabouts }>
	| Readonly<{ type: "job.stopRequested"; job: string; id: number }>
	/** `stop`: set if the job had been asked to stop. */
	| Readonly<{ type: "job.exited"; job: string; id: number; exit: JobExit; stop?: { readonly tookMs: number } }>
	/** The leader of the process group has ended by itself: the rest, as far as it can be seen, is asked to stop now. */
	| Readonly<{ type: "job.leaderExited"; job: string; id: number; exit: JobExit; rest: readonly ProcessInfo[] }>
	/** The job has exited, but its thread is still there: a call in native code, or in libuv's pool, holds it. */
	| Readonly<{ type: "job.leftOver"; job: string; id: number }>
	/** The job had not stopped in time, and is ended by force now. */
	| (Readonly<{ type: "job.killed"; job: string; id: number }> & ForcedEnd)
	/** The job has ended and will be started again. `restarts`: in a row, this one included. */
	| Readonly<{ type: "restart.scheduled"; job: string; delayMs: number; restarts: number }>
	| Readonly<{ type: "job.outputDropped"; job: string; bytes: number }>
	/** Status and commands are served there. */
	| Readonly<{ type: "server.opened"; address: string }>
	| Readonly<{ type: "server.failed"; address: string; error: ErrorInfo }>
	/** `bytes` of our own output were lost: the reader of standard output or standard error was too slow, or gone. */
	| Readonly<{ type: "output.dropped"; bytes: number }>
	/** `jobsMs`: milliseconds the jobs have from now. */
	| Readonly<{ type: "stop.requested"; reason: StopReason; jobsMs: number }>
	/** A second SIGINT: the deadline is now. */
	| Readonly<{ type: "stop.hurried" }>
	| (Readonly<{ type: "stragglers.ended" }> & StragglerReport)
	/** The main thread has thrown an error: a bug of ours. The program stops, unless a listener for events has thrown. */
	| Readonly<{ type: "error.caught"; error: ErrorInfo }>
	| Readonly<{ type: "stop.finished"; report: StopReport }>
	| Readonly<{ type: "orphan.reaped"; pid: number; code?: number; signal?: number }>;

export type Emit = (event: Event) => void;
