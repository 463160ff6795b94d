/**
 * Everything that can happen, as plain data. The supervisor and the init emit, `observe/` reads: who emits knows nothing of
 * who listens. Log lines carry the same names in their field `event`.
 */
import type { ErrorInfo } from "./errors.ts";
import type { JobExit } from "./job/job.ts";
import type { ProcessInfo } from "./os/processes.ts";

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

/** What a job made of the request to stop. */
export interface JobStop {
	readonly job: string;
	readonly exit: JobExit;
	/** Milliseconds from the request to the exit; 0 for a job that had ended before. */
	readonly tookMs: number;
}

export interface StopReport {
	readonly reason: StopReason;
	readonly jobs: readonly JobStop[];
	readonly stragglers: {
		readonly found: readonly ProcessInfo[];
		readonly killed: readonly ProcessInfo[];
	};
	/** Milliseconds from the request until everything was ended. */
	readonly tookMs: number;
	readonly budgetMs: number;
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
	| { readonly type: "job.started"; readonly job: string; readonly id: number }
	| { readonly type: "job.ready"; readonly job: string }
	| {
			/** `stop`: set if it had been asked to. */
			readonly type: "job.exited";
			readonly job: string;
			readonly id: number;
			readonly exit: JobExit;
			readonly stop?: { readonly tookMs: number };
	  }
	| {
			/** It had not joined in time: it is ended by force now. */
			readonly type: "job.killed";
			readonly job: string;
			readonly id: number;
			readonly waitedMs: number;
	  }
	| {
			readonly type: "job.outputDropped";
			readonly job: string;
			readonly bytes: number;
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
	| {
			readonly type: "stragglers.ended";
			readonly found: readonly ProcessInfo[];
			readonly killed: readonly ProcessInfo[];
	  }
	| { readonly type: "stop.finished"; readonly report: StopReport }
	| ({ readonly type: "orphan.reaped"; readonly pid: number } & {
			readonly code?: number;
			readonly signal?: number;
	  });

export type Emit = (event: Event) => void;
