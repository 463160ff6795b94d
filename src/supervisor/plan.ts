/** What a unit is made of: the plan of its job, and what it shares with the other units. */
import type { JobSettings } from "../config/schema.ts";
import type { Budget } from "../config/stop-timeout.ts";
import type { Job, JobExit, JobKind, RunHooks } from "../job/job.ts";
import type { Emit } from "./events.ts";
import type { Watch } from "./liveness.ts";
import type { Timetable } from "./schedule.ts";
import type { RestartPolicy, StartQueue } from "./starts.ts";
import type { Deadline } from "./stop.ts";

/** Default of `startTimeout`. With readiness "exit" there is none: such a job may take as long as it needs. */
export const START_TIMEOUT_MS = 60_000;
/** The longest search for the place where a job hangs. Unlike at a stop, nobody waits for the end of the job. */
export const LOCATE_HUNG_MS = 2_000;

/** What the configuration says of a job, of either kind. `makeJob` makes the job of one run. */
export type UnitPlan = RestartPolicy &
	Pick<JobSettings, "dependsOn" | "readiness" | "startTimeout" | "stopTimeout" | "overlap"> &
	Readonly<{
		name: string;
		kind: JobKind;
		essential: boolean;
		/** Of a scheduled job. */
		timetable: Timetable | undefined;
		makeJob: (hooks: RunHooks) => Job;
		/** Set if the job has `liveness`. */
		watch?: Watch | undefined;
		/** Whether the program stops if not even a kill ends the job. */
		exitsIfStuck?: boolean;
	}>;

/** `Unit` is the unit's class, which needs this file. */
export interface UnitHooks<Unit> {
	readonly emit: Emit;
	/** The jobs that depend on this one may start. */
	readonly onReady: () => void;
	/** A run has ended, in whichever way. The unit's state shows that already. */
	readonly onRunEnded: () => void;
	/** The job has ended for good, and nobody had asked for its stop. */
	readonly onEnded: (unit: Unit, exit: JobExit) => void;
	/** The deadline of the program's stop: infinitely far away until that stop is requested. */
	readonly deadline: Deadline;
	readonly budget: Budget;
	/** The queue of all starts. A stop removes this job's entry. */
	readonly starts: StartQueue;
}
