/**
 * What is true now: events folded into one picture, for whoever asks. Nothing here ever touches a job.
 *
 * Invariants:
 * - It grows with the number of jobs, never with the number of events.
 * - From `stop.requested` on the program is not ready any more.
 * - How long something has lasted is measured here, by a clock that never jumps; the times of day follow from that.
 */
import { monotonicMs } from "../clock.ts";
import type { Event, StopReason } from "../events.ts";
import type { JobExit, JobKind } from "../job/job.ts";
import { readVersion } from "../version.ts";

export type JobState =
	/** For what it depends on. */
	| "waiting"
	| "starting"
	| "ready"
	/** A one-shot that has ended well. */
	| "completed"
	| "backing-off"
	| "stopping"
	| "ended";

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
	state: JobState;
	/** Thread id, or pid, of the run under way. */
	id?: number;
	/** Milliseconds since the epoch: when this state began. */
	readonly since: number;
	/** Milliseconds since then. */
	readonly inStateMs: number;
	/** Since the program started. */
	restarts: number;
	/** How its last run ended. */
	lastExit?: JobExit;
}

export interface Status {
	readonly version: string;
	readonly pid: number;
	/** Milliseconds since the epoch. */
	readonly startedAt: number;
	/** Milliseconds since then. */
	readonly upMs: number;
	readonly state: "running" | "stopping";
	/** Every essential job is ready, or has ended well where that is its readiness; and no stop was requested. */
	readonly ready: boolean;
	/** Milliseconds. */
	readonly stopTimeoutMs: number;
	readonly stopReason?: StopReason;
	readonly orphansReaped: number;
	readonly jobs: readonly JobStatus[];
}

/** Sums since the start, for metrics. */
export interface Totals {
	/** Ends of runs: by job, then by outcome. */
	readonly exits: Map<string, Map<JobExit["outcome"], number>>;
	/** Stops that were asked for, by outcome. */
	readonly stops: Map<JobExit["outcome"], { count: number; ms: number }>;
}

export type JobSummary = Pick<
	JobStatus,
	"name" | "kind" | "essential" | "dependsOn"
>;

/** What is kept of a job: since when, by the monotonic clock. */
type JobRecord = Omit<JobStatus, "since" | "inStateMs"> & { enteredAt: number };

export class State {
	readonly totals: Totals = { exits: new Map(), stops: new Map() };
	readonly #jobs: ReadonlyMap<string, JobRecord>;
	readonly #startedAt = monotonicMs();
	readonly #stopTimeoutMs: number;
	#stopReason: StopReason | undefined;
	#orphansReaped = 0;

	/** @param stopTimeoutMs Of the whole program. */
	constructor(jobs: readonly JobSummary[], stopTimeoutMs: number) {
		this.#stopTimeoutMs = stopTimeoutMs;
		const enteredAt = this.#startedAt;
		this.#jobs = new Map(
			jobs.map(({ name, kind, essential, dependsOn }) => [
				name,
				{
					name,
					kind,
					essential,
					dependsOn,
					state: "waiting",
					enteredAt,
					restarts: 0,
				},
			]),
		);
	}

	get status(): Status {
		const time = Date.now();
		const now = monotonicMs();
		const jobs = [...this.#jobs.values()].map(({ enteredAt, ...job }) => {
			const inStateMs = Math.round(now - enteredAt);
			return { ...job, since: time - inStateMs, inStateMs };
		});
		const upMs = Math.round(now - this.#startedAt);
		const stopReason = this.#stopReason;
		return {
			version: readVersion(),
			pid: process.pid,
			startedAt: time - upMs,
			upMs,
			state: stopReason ? "stopping" : "running",
			ready: !stopReason && jobs.every(isReadyEnough),
			stopTimeoutMs: this.#stopTimeoutMs,
			...(stopReason && { stopReason }),
			orphansReaped: this.#orphansReaped,
			jobs,
		};
	}

	apply(event: Event): void {
		switch (event.type) {
			case "stop.requested":
				this.#stopReason = event.reason;
				break;
			case "orphan.reaped":
				this.#orphansReaped++;
				break;
			case "job.started":
				this.#enter(event.job, event.ready ? "ready" : "starting").id =
					event.id;
				break;
			case "job.waiting":
				this.#enter(event.job, "waiting");
				break;
			case "job.withdrawn":
				this.#enter(event.job, "ended");
				break;
			case "job.ready": {
				const job = this.#job(event.job);
				if (job.id === undefined) this.#enter(event.job, "completed");
				else if (job.state === "starting") this.#enter(event.job, "ready");
				break;
			}
			case "job.stopRequested":
				this.#enter(event.job, "stopping");
				break;
			case "restart.scheduled":
				this.#enter(event.job, "backing-off").restarts++;
				break;
			case "job.exited": {
				const job = this.#enter(event.job, "ended");
				delete job.id;
				job.lastExit = event.exit;
				this.#count(event.job, event.exit, event.stop?.tookMs);
				break;
			}
		}
	}

	#enter(name: string, state: JobState): JobRecord {
		const job = this.#job(name);
		job.state = state;
		job.enteredAt = monotonicMs();
		return job;
	}

	#job(name: string): JobRecord {
		const job = this.#jobs.get(name);
		if (!job) throw new Error(`No job ${name}`);
		return job;
	}

	#count(job: string, { outcome }: JobExit, stopMs: number | undefined): void {
		const exits = this.totals.exits.get(job) ?? new Map();
		this.totals.exits.set(job, exits);
		exits.set(outcome, (exits.get(outcome) ?? 0) + 1);
		if (stopMs === undefined) return;
		const stops = this.totals.stops.get(outcome) ?? { count: 0, ms: 0 };
		this.totals.stops.set(outcome, stops);
		stops.count++;
		stops.ms += stopMs;
	}
}

/** Jobs that may end without harm do not decide. */
function isReadyEnough({ essential, state }: JobStatus): boolean {
	return !essential || state === "ready" || state === "completed";
}
