/**
 * Decides when a scheduled job runs: waits for each date, and tells the job's unit. It depends only on a clock.
 *
 * Dates follow the wall clock, which may jump. Intervals follow the monotonic clock, which does not.
 *
 * Invariants:
 * - No date comes twice, even if the clock is set back by up to SET_BACK_MS. Beyond that it was wrong before.
 * - If several dates pass at once (the container was frozen, the clock was set forward), the job runs once.
 * - After `end()`, or after the queue of all starts is closed, no date comes.
 */
import { monotonicMs } from "../base/time.ts";
import type { Emit } from "./events.ts";
import type { StartQueue } from "./starts.ts";

/**
 * `everyMs`: an interval, counted from the moment when the job was put on its schedule. `next`: returns the first date
 * after a given one, in milliseconds since the epoch.
 */
export type Timetable = Readonly<{ everyMs: number }> | Readonly<{ next: (after: number) => number | undefined }>;

/** `overlap`: what happens to a date that comes during a run. */
export type SchedulePlan = Readonly<{ job: string; timetable: Timetable; overlap: "skip" | "wait" }>;

export interface ScheduledUnit {
	/** Whether no run is under way. The restarts of a failed run belong to the run. */
	readonly isFree: () => boolean;
	readonly begin: () => void;
}

/** If a clock is set back further than this, it was wrong before, and its dates mean nothing. */
const SET_BACK_MS = 3 * 60 * 60 * 1_000;
/**
 * A timer does not notice a change of the wall clock. So all schedules look at it together, once a minute: at the full
 * minute, when most dates come.
 */
const LOOK_MS = 60_000;

export class Schedule {
	readonly #plan: SchedulePlan;
	readonly #timetable: Timetable;
	readonly #emit: Emit;
	readonly #starts: StartQueue;
	readonly #unit: ScheduledUnit;
	/** All dates up to this time of the timetable's clock have come. `undefined`: the job is not on its schedule. */
	#past: number | undefined;
	#due = Number.POSITIVE_INFINITY;
	/** Whether a date has come during a run. */
	#metRun = false;

	constructor(plan: SchedulePlan, { emit, starts }: { emit: Emit; starts: StartQueue }, unit: ScheduledUnit) {
		this.#plan = plan;
		this.#timetable = plan.timetable;
		this.#emit = emit;
		this.#starts = starts;
		this.#unit = unit;
	}

	/** Whether the job is on its schedule. */
	get isOn(): boolean {
		return this.#past !== undefined;
	}

	/** The next date, in milliseconds since the epoch, if there is one. */
	get next(): number | undefined {
		if (!this.isOn || !Number.isFinite(this.#due)) return undefined;
		return Math.round("next" in this.#timetable ? this.#due : Date.now() + this.#due - monotonicMs());
	}

	/** Puts the job on its schedule, unless it already is. */
	begin(): void {
		if (this.isOn) return;
		this.#pass(this.#now());
		this.#sleep();
		const { next } = this;
		this.#emit({ type: "job.scheduled", job: this.#plan.job, ...(next !== undefined && { next }) });
	}

	/** Takes the job off its schedule. */
	end(): void {
		this.#past = undefined;
		this.#metRun = false;
		this.#starts.remove(this);
	}

	/** After a run: whether a date that came during it asks for another run. True at most once for each run. */
	takeDate(): boolean {
		const isDue = this.#metRun && this.#plan.overlap === "wait";
		this.#metRun = false;
		return isDue;
	}

	#now(): number {
		return "next" in this.#timetable ? Date.now() : monotonicMs();
	}

	/** Finds the first date after `now`. */
	#pass(now: number): void {
		const timetable = this.#timetable;
		if ("next" in timetable) this.#due = timetable.next(now) ?? Number.POSITIVE_INFINITY;
		else {
			// Not counted from `now`: each wake-up is a little late, so the interval would grow.
			const from = this.isOn ? this.#due : now;
			const intervals = Math.floor((now - from) / timetable.everyMs) + 1;
			this.#due = from + intervals * timetable.everyMs;
		}
		this.#past = now;
	}

	#sleep(): void {
		const now = this.#now();
		const ms = Math.ceil(this.#due - now);
		const look = "next" in this.#timetable ? LOOK_MS - (now % LOOK_MS) : ms;
		this.#starts.addLater(this, () => this.#wake(), Math.min(ms, look));
	}

	#wake(): void {
		const now = this.#now();
		if (this.#past !== undefined && now < this.#past - SET_BACK_MS) this.#pass(now);
		const isDue = now >= this.#due;
		if (isDue) this.#pass(now);
		// Sleeps before the run begins, because the run may end the schedule.
		this.#sleep();
		if (!isDue) return;
		if (this.#unit.isFree()) this.#unit.begin();
		else {
			const { job, overlap } = this.#plan;
			if (overlap === "skip" && !this.#metRun) this.#emit({ type: "job.skipped", job });
			this.#metRun = true;
		}
	}
}
