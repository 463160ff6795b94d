/**
 * Everything that can happen, as plain data. The supervisor and the init emit, `observe/` reads: who emits knows nothing of
 * who listens. Log lines carry the same names in their field `event`.
 */
import type { ErrorInfo } from "../base/errors.ts";
import type { JobExit, JobKind, Whereabouts } from "../job/job.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import type { StragglerReport } from "../os/processes/stragglers.ts";

/** Why the program stops. */
export type StopReason =
	| {
			readonly type: "signal";
			readonly signal: string;
			readonly number: number;
			/** It came while Node.js was still starting. */
			readonly early: boolean;
	  }
	| {
			/** An essential job has ended. */
			readonly type: "job";
			readonly job: string;
			readonly exit: JobExit;
	  }
	/** The last job has ended, and none was essential. */
	| { readonly type: "idle" }
	/** Something in the main thread has thrown: ours to mend. */
	| { readonly type: "error"; readonly error: ErrorInfo };

/** A job had not joined in time. */
export interface ForcedEnd {
	/** Milliseconds from the request. */
	readonly waitedMs: number;
	/** Where it was then; absent if nothing could be found out in time. */
	readonly where?: Whereabouts;
}

/** What a job made of the request to stop. */
export interface JobStop {
	readonly job: string;
	readonly exit: JobExit;
	/** It had ended before the program's stop was requested, and was told of then. */
	readonly endedBefore?: true;
	/** Milliseconds from the program's request until this job was asked. Absent if it had ended by then. */
	readonly askedMs?: number;
	/** Milliseconds from then to the exit; 0 for a job that was not asked. */
	readonly tookMs: number;
	/** Milliseconds it still had when it exited. */
	readonly leftMs?: number;
	readonly killed?: ForcedEnd;
}

export interface StopReport {
	readonly reason: StopReason;
	readonly jobs: readonly JobStop[];
	readonly stragglers: StragglerReport;
	/** Milliseconds from the request until everything was ended. */
	readonly tookMs: number;
	readonly budgetMs: number;
	/** The jobs' share of it: their deadline. */
	readonly jobsMs: number;
	readonly exitCode: number;
}

export type Event =
	| {
			readonly type: "init.started";
			readonly version: string;
			readonly pid: number;
			readonly node: string;
			/** Who makes the foreign calls; `none`: no orphan is reaped. */
			readonly binding: "node:ffi" | "koffi" | "none";
			readonly role: "init" | "subreaper" | "none";
			readonly jobs: number;
			readonly budgetMs: number;
			/** Where the budget comes from, in words. */
			readonly budgetSource: string;
	  }
	| {
			readonly type: "signal.received";
			readonly signal: string;
			readonly number: number;
			readonly early: boolean;
	  }
	/** `jobs`: those that are processes; threads take no signals. */
	| {
			readonly type: "signal.forwarded";
			readonly signal: NodeJS.Signals;
			readonly jobs: readonly string[];
	  }
	/** Somebody has asked for something through the socket. */
	| {
			readonly type: "command.received";
			readonly command: "stop" | "restart" | "signal";
			readonly job: string;
			readonly signal?: string;
	  }
	| {
			readonly type: "job.started";
			readonly job: string;
			readonly kind: JobKind;
			/** Thread id, or pid. */
			readonly id: number;
			/** It counts as ready from its start on. */
			readonly ready: boolean;
	  }
	/** It waits for what it depends on: it is started then. */
	| { readonly type: "job.waiting"; readonly job: string }
	/** It waited for its start, and was asked to stop: it is not started any more. */
	| { readonly type: "job.withdrawn"; readonly job: string }
	/** It was found ready, or says so. */
	| { readonly type: "job.ready"; readonly job: string }
	| {
			readonly type: "job.startTimedOut";
			readonly job: string;
			readonly waitedMs: number;
			/** What the last look at it found. */
			readonly detail: string;
	  }
	| {
			readonly type: "job.stopRequested";
			readonly job: string;
			readonly id: number;
	  }
	| {
			/** `stop`: set if it had been asked to. */
			readonly type: "job.exited";
			readonly job: string;
			readonly id: number;
			readonly exit: JobExit;
			readonly stop?: { readonly tookMs: number };
	  }
	| {
			/** The first process of its group has ended by itself: the rest, as far as it can be seen, is asked to stop now. */
			readonly type: "job.leaderExited";
			readonly job: string;
			readonly id: number;
			readonly exit: JobExit;
			readonly rest: readonly ProcessInfo[];
	  }
	/** It has exited, but its thread has not gone: a call in native code, or in libuv's pool, holds it. */
	| { readonly type: "job.leftOver"; readonly job: string; readonly id: number }
	| {
			/** It had not joined in time: it is ended by force now. */
			readonly type: "job.killed";
			readonly job: string;
			readonly id: number;
			readonly waitedMs: number;
			readonly where?: Whereabouts;
	  }
	/** It has ended, and will be started again. */
	| {
			readonly type: "restart.scheduled";
			readonly job: string;
			readonly delayMs: number;
			/** In a row, this one included. */
			readonly restarts: number;
	  }
	| {
			readonly type: "job.outputDropped";
			readonly job: string;
			readonly bytes: number;
	  }
	/** Status and commands can be had there. */
	| { readonly type: "server.opened"; readonly address: string }
	| {
			readonly type: "server.failed";
			readonly address: string;
			readonly error: ErrorInfo;
	  }
	/** The reader of standard output or error was too slow, or not there, for so many bytes of ours. */
	| { readonly type: "output.dropped"; readonly bytes: number }
	| {
			readonly type: "stop.requested";
			readonly reason: StopReason;
			/** Milliseconds the jobs have from now. */
			readonly jobsMs: number;
	  }
	/** A second SIGINT: the deadline is now. */
	| { readonly type: "stop.hurried" }
	| ({ readonly type: "stragglers.ended" } & StragglerReport)
	/** Something in the main thread has thrown: ours to mend. The program stops for it. */
	| { readonly type: "error.caught"; readonly error: ErrorInfo }
	| { readonly type: "stop.finished"; readonly report: StopReport }
	| ({ readonly type: "orphan.reaped"; readonly pid: number } & {
			readonly code?: number;
			readonly signal?: number;
	  });

export type Emit = (event: Event) => void;
