/** The state of the service for probes, `lastcall status` and metrics: read from the units, and a few sums. */
import { monotonicMs } from "../base/time.ts";
import { readVersion } from "../base/versions.ts";
import type { JobExit } from "../job/job.ts";
import type { Event, StopReason } from "../supervisor/events.ts";
import type { Unit } from "../supervisor/unit.ts";

/**
 * `since`: when this state began, in milliseconds since the epoch. `inStateMs`: milliseconds since then. `alive`: as
 * `Unit.isAlive`.
 */
export type JobStatus = Readonly<
	{ since: number; inStateMs: number; alive: Unit["isAlive"] } & Pick<
		Unit["plan"],
		"name" | "kind" | "essential" | "dependsOn"
	> &
		Pick<Unit, "state" | "id" | "restarts" | "lastExit"> &
		ScheduleStatus
>;

export interface Status {
	readonly version: string;
	readonly pid: number;
	/** In milliseconds since the epoch. */
	readonly startedAt: number;
	/** Milliseconds since then. */
	readonly upMs: number;
	readonly state: "running" | "stopping";
	/** Whether every essential job is ready, and answers, or has completed, and no stop was requested. */
	readonly ready: boolean;
	readonly stopTimeoutMs: number;
	readonly stopReason: StopReason | undefined;
	readonly orphansReaped: number;
	readonly jobs: readonly JobStatus[];
}

/** Of a scheduled job, in milliseconds since the epoch: its next date, and the beginning of its last run. */
type ScheduleStatus = Readonly<{ nextRun?: number; lastRun?: number }>;

/** @param epoch The moment at which the monotonic clock was 0. */
function scheduleOf({ plan, nextDate, begunAt }: Unit, epoch: number): ScheduleStatus {
	if (!plan.timetable) return {};
	return {
		...(nextDate !== undefined && { nextRun: nextDate }),
		...(begunAt !== undefined && { lastRun: Math.round(epoch + begunAt) }),
	};
}

/** Sums since the start of the program, for metrics. */
interface Totals {
	/** Exits of runs: by job, then by outcome. */
	readonly exits: Map<string, Map<JobExit["outcome"], number>>;
	/** Requested stops of jobs, by outcome: their number, and the time from the request to the exit. */
	readonly stops: Map<JobExit["outcome"], { count: number; ms: number }>;
	/** How often a job was found unresponsive, by job. */
	readonly unresponsive: Map<string, number>;
}

export class StatusSource {
	readonly totals: Totals = { exits: new Map(), stops: new Map(), unresponsive: new Map() };
	readonly #units: readonly Unit[];
	readonly #startedAt = monotonicMs();
	readonly #stopTimeoutMs: number;
	#stopReason: StopReason | undefined;
	#orphansReaped = 0;

	/** @param stopTimeoutMs Stop timeout of the whole program. */
	constructor(units: Iterable<Unit>, stopTimeoutMs: number) {
		this.#units = [...units];
		this.#stopTimeoutMs = stopTimeoutMs;
	}

	get status(): Status {
		// The wall clock may jump: durations come from the monotonic clock, and times of day from durations.
		const time = Date.now();
		const now = monotonicMs();
		const upMs = Math.round(now - this.#startedAt);
		const stopReason = this.#stopReason;
		return {
			version: readVersion(),
			pid: process.pid,
			startedAt: time - upMs,
			upMs,
			state: stopReason ? "stopping" : "running",
			ready:
				!stopReason &&
				this.#units.every(({ plan, isReady, isAlive }) => !plan.essential || (isReady && isAlive !== false)),
			stopTimeoutMs: this.#stopTimeoutMs,
			stopReason,
			orphansReaped: this.#orphansReaped,
			jobs: this.#units.map((unit) => {
				const { plan, state, isAlive: alive, id, since, restarts, lastExit } = unit;
				const { name, kind, essential, dependsOn } = plan;
				const inStateMs = Math.round(now - since);
				const times = { since: time - inStateMs, inStateMs, ...scheduleOf(unit, time - now) };
				return { name, kind, essential, dependsOn, state, alive, id, ...times, restarts, lastExit };
			}),
		};
	}

	observe(event: Event): void {
		if (event.type === "stop.requested") this.#stopReason = event.reason;
		else if (event.type === "orphan.reaped") this.#orphansReaped++;
		else if (event.type === "job.exited") this.#count(event);
		else if (event.type === "job.unresponsive") {
			const { unresponsive } = this.totals;
			unresponsive.set(event.job, (unresponsive.get(event.job) ?? 0) + 1);
		}
	}

	#count({ job, exit: { outcome }, stop }: Extract<Event, { type: "job.exited" }>): void {
		const { exits, stops } = this.totals;
		const ofJob = exits.get(job) ?? new Map();
		exits.set(job, ofJob.set(outcome, (ofJob.get(outcome) ?? 0) + 1));
		if (!stop) return;
		const { count, ms } = stops.get(outcome) ?? { count: 0, ms: 0 };
		stops.set(outcome, { count: count + 1, ms: ms + stop.tookMs });
	}
}
