/** What a unit is told, and what it keeps. */
import type { Emit } from "../events.ts";
import type { Job, JobExit } from "../job/job.ts";
import type { Budget } from "./budget.ts";
import type { Deadline } from "./deadline.ts";
import type { StartQueue } from "./start-queue.ts";
import type { StopOutcome } from "./stop.ts";
import type { Unit } from "./unit.ts";

export interface UnitHooks {
	readonly emit: Emit;
	/** What depends on it may start. */
	readonly onReady: (unit: Unit) => void;
	/** One of its runs has ended, in whichever way. */
	readonly onRunEnded: () => void;
	/** It has ended by itself, and for good. */
	readonly onEnded: (unit: Unit, exit: JobExit) => void;
	/** The program's; infinitely far away until its stop is requested. */
	readonly deadline: Deadline;
	readonly budget: Budget;
	/** What waits there is taken back by a stop. */
	readonly starts: StartQueue;
}

export interface Run {
	readonly job: Job;
	readonly startedAt: number;
	/** Aborted as soon as nobody waits for readiness any more. */
	readonly starting: AbortController;
}

export type UnitState =
	/** It waits for what it depends on. */
	| { readonly type: "waiting" }
	| { readonly type: "starting" | "ready"; readonly run: Run }
	/** A one-shot that has ended well. */
	| { readonly type: "completed" }
	| { readonly type: "backing-off" }
	| {
			readonly type: "stopping";
			readonly job: Job;
			readonly stop: Promise<StopOutcome>;
	  }
	| { readonly type: "ended" };
