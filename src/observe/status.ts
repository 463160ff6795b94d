/** The state of the service at this moment, for probes, `lastcall status` and metrics. The units know it; only sums are kept here. */
import { monotonicMs } from "../base/time.ts";
import { readVersion } from "../base/version.ts";
import type { JobExit, JobKind } from "../job/job.ts";
import type { Event, StopReason } from "../supervisor/events.ts";
import type { JobState, Unit } from "../supervisor/unit.ts";

export const JOB_STATES: readonly JobState[] = [
	"waiting",
	"starting",
	"ready",
	"completed",
	"backing-off",
	"stopping",
	"ended",
];

export interface JobStatus {
	readonly name: string;
	readonly kind: JobKind;
	readonly essential: boolean;
	readonly dependsOn: readonly string[];
	readonly state: JobState;
	/** Thread id, or pid, of the present run. */
	readonly id?: number;
	/** Milliseconds since the epoch: when this state began. */
	readonly since: number;
	/** Milliseconds since then. */
	readonly inStateMs: number;
	/** Since the program started. */
	readonly restarts: number;
	/** How its last run ended. */
	readonly lastExit?: JobExit;
}

export interface Status {
	readonly version: string;
	readonly pid: number;
	/** Milliseconds since the epoch. */
	readonly startedAt: number;
	/** Milliseconds since then. */
	readonly upMs: number;
	readonly state: "running" | "stopping";
	/** Every essential job is ready, or has completed, and no stop was requested. */
	readonly ready: boolean;
	/** Milliseconds. */
	readonly stopTimeoutMs: number;
	readonly stopReason?: StopReason;
	readonly orphansReaped: number;
	readonly jobs: readonly JobStatus[];
}

/** Sums since the start, for metrics. */
export interface Totals {
	/** Exits of runs: by job, then by outcome. */
	readonly exits: Map<string, Map<JobExit["outcome"], number>>;
	/** Stops that were asked for, by outcome. */
	readonly stops: Map<JobExit["outcome"], { count: number; ms: number }>;
}

export class StatusSource {
	readonly totals: Totals = { exits: new Map(), stops: new Map() };
	readonly #units: readonly Unit[];
	readonly #startedAt = monotonicMs();
	readonly #stopTimeoutMs: number;
	#stopReason: StopReason | undefined;
	#orphansReaped = 0;

	/** @param stopTimeoutMs The whole program's. */
	constructor(units: Iterable<Unit>, stopTimeoutMs: number) {
		this.#units = [...units];
		this.#stopTimeoutMs = stopTimeoutMs;
	}

	get status(): Status {
		// The wall clock may jump: only differences of the monotonic clock count, and the times of day follow from these.
		const time = Date.now();
		const now = monotonicMs();
		const jobs = this.#units.map((unit) => describe(unit, time, now));
		const upMs = Math.round(now - this.#startedAt);
		const stopReason = this.#stopReason;
		return {
			version: readVersion(),
			pid: process.pid,
			startedAt: time - upMs,
			upMs,
			state: stopReason ? "stopping" : "running",
			ready: !stopReason && this.#units.every(isReadyEnough),
			stopTimeoutMs: this.#stopTimeoutMs,
			...(stopReason && { stopReason }),
			orphansReaped: this.#orphansReaped,
			jobs,
		};
	}

	observe(event: Event): void {
		if (event.type === "stop.requested") this.#stopReason = event.reason;
		else if (event.type === "orphan.reaped") this.#orphansReaped++;
		else if (event.type === "job.exited") this.#count(event);
	}

	#count({ job, exit, stop }: Extract<Event, { type: "job.exited" }>): void {
		const { exits, stops } = this.totals;
		const { outcome } = exit;
		const ofJob = exits.get(job) ?? new Map();
		exits.set(job, ofJob.set(outcome, (ofJob.get(outcome) ?? 0) + 1));
		if (!stop) return;
		const { count, ms } = stops.get(outcome) ?? { count: 0, ms: 0 };
		stops.set(outcome, { count: count + 1, ms: ms + stop.tookMs });
	}
}

function describe(unit: Unit, time: number, now: number): JobStatus {
	const { plan, state, id, since, restarts, lastExit } = unit;
	const { name, kind, essential, dependsOn } = plan;
	const inStateMs = Math.round(now - since);
	return {
		name,
		kind,
		essential,
		dependsOn,
		state,
		...(id !== undefined && { id }),
		since: time - inStateMs,
		inStateMs,
		restarts,
		...(lastExit && { lastExit }),
	};
}

/** A job that is not essential does not decide. */
function isReadyEnough({ plan, isReady }: Unit): boolean {
	return !plan.essential || isReady;
}
