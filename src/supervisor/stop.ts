/**
 * The stop of one job: ask and join it; if it is late, find out where it is and kill it. Beside it stand the deadline,
 * and what is left of ended runs.
 */
import { monotonicMs, within } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import type { Job, JobExit, Stoppable } from "../job/job.ts";
import type { Emit, ForcedEnd, JobStop } from "./events.ts";

/** `stopTimeoutMs`: milliseconds this job has, unless the deadline comes first. */
type StopTerms = Readonly<{ stopTimeoutMs: number; deadline: Deadline; budget: Pick<Budget, "locateMs" | "killMs"> }>;

/** `askedAt`: by the monotonic clock. `tookMs`: from the request to the exit. `leftMs`: what was left at the exit. */
export type StopOutcome = Pick<JobStop, "exit" | "tookMs" | "killed"> & Readonly<{ askedAt: number; leftMs: number }>;

/** Longest wait for the end of a job that is killed before the deadline. From the deadline on the wait is `killMs`. */
const KILL_PATIENCE_MS = 1_000;

/**
 * Stops a job: asks it, and kills it if it has not ended after `stopTimeoutMs`, or at the deadline. Never rejects.
 * Settles `locateMs + killMs` after the deadline at the latest.
 */
export async function stopJob(job: Stoppable, terms: StopTerms, emit: Emit): Promise<StopOutcome> {
	const { name, id } = job;
	const { stopTimeoutMs, deadline, budget } = terms;
	const askedAt = monotonicMs();
	emit({ type: "job.stopRequested", job: name, id });
	job.requestStop();
	let killed: ForcedEnd | undefined;
	if (!(await deadline.join(job.exited, stopTimeoutMs))) {
		const lateAt = monotonicMs();
		const where = await Promise.race([job.locate(budget.locateMs), job.exited.then(() => undefined)]);
		// `false`: the job was late (after a freeze of the container, say), but has ended by itself meanwhile.
		if (job.kill()) {
			killed = { waitedMs: lateAt - askedAt, ...(where && { where }) };
			emit({ type: "job.killed", job: name, id, ...killed });
		}
		// A native call may last long, so before the deadline there is more time than killMs. But not for ever: other jobs
		// may wait for the end of this one.
		await deadline.join(job.exited, KILL_PATIENCE_MS);
		await within(job.exited, Math.max(0, lateAt + budget.locateMs + budget.killMs - monotonicMs()));
		job.giveUp();
	}
	const exit = await job.exited;
	const tookMs = monotonicMs() - askedAt;
	const leftMs = Math.max(0, Math.min(stopTimeoutMs - tookMs, deadline.remainingMs));
	emit({ type: "job.exited", job: name, id, exit, stop: { tookMs } });
	return { exit, askedAt, tookMs, leftMs, ...(killed && { killed }) };
}

/** Longest wait until nothing is left of an exited run. A thread usually needs milliseconds. */
const RELEASE_MS = 1_000;

/**
 * What is left of a job's ended runs: a call in native code, or in libuv's pool, may hold a thread whose job has ended.
 *
 * Invariant: a new run begins beside at most one such thread, and never beside a stuck run, whose code may still run.
 */
export class LeftOver {
	readonly #runs = new Map<Job, JobExit>();

	add(job: Job, exit: JobExit): void {
		this.#runs.set(job, exit);
		void job.gone.then(() => this.#runs.delete(job));
	}

	/** Frees what the run holds. Resolves within RELEASE_MS to whether nothing of the run is left. */
	async release(job: Job): Promise<boolean> {
		job.release();
		await within(job.gone, RELEASE_MS);
		return !this.#runs.has(job);
	}

	get isEmpty(): boolean {
		return this.#runs.size === 0;
	}

	/** Resolves within RELEASE_MS to whether a new run may begin. */
	async isFree(): Promise<boolean> {
		await within(Promise.all([...this.#runs.keys()].map((job) => job.gone)), RELEASE_MS);
		return this.#runs.size < 2 && [...this.#runs.values()].every(({ outcome }) => outcome !== "stuck");
	}
}

/**
 * A deadline that can only come nearer, and waits that end at it. The deadline is a moment by the monotonic clock (the
 * wall clock may jump), and infinitely far away until it is set.
 */
export class Deadline {
	readonly #passed = Promise.withResolvers<void>();
	/** Settles at the deadline. */
	readonly passed = this.#passed.promise;
	/** Ends the waits under way. (`passed` would keep a `then()` of every wait for as long as the program runs.) */
	readonly #wakers = new Set<() => void>();
	#at = Number.POSITIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;

	/** Moves the deadline to `ms` milliseconds from now, unless it is nearer already. */
	bringTo(ms: number): void {
		const at = monotonicMs() + ms;
		if (at >= this.#at) return;
		this.#at = at;
		clearTimeout(this.#timer);
		if (ms > 0) this.#timer = setTimeout(() => this.#pass(), ms);
		else this.#pass();
	}

	get isSet(): boolean {
		return Number.isFinite(this.#at);
	}

	/** Milliseconds left; never negative. */
	get remainingMs(): number {
		return Math.max(0, this.#at - monotonicMs());
	}

	/**
	 * Waits for a promise that never rejects, for at most `ms` milliseconds and at most until the deadline. Then it waits
	 * for one more turn of the event loop: when the event loop is late, timers run before libuv reports the exits of
	 * threads and processes. A job that has stopped in time must not count as late.
	 *
	 * @returns Whether the promise has settled.
	 */
	async join(promise: Promise<unknown>, ms: number): Promise<boolean> {
		let settled = false;
		const { promise: over, resolve: wake } = Promise.withResolvers<void>();
		void promise.then(() => {
			settled = true;
			wake();
		});
		this.#wakers.add(wake);
		await within(over, Math.min(ms, this.remainingMs));
		this.#wakers.delete(wake);
		if (!settled) await new Promise(setImmediate);
		return settled;
	}

	#pass(): void {
		this.#passed.resolve();
		for (const wake of this.#wakers) wake();
	}
}
