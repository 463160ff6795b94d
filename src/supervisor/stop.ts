/** The stop of one job: ask, join, find out where the job is if it is late, kill; and what is left of ended runs. */
import { monotonicMs, within } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import type { Job, JobExit, Stoppable } from "../job/job.ts";
import type { Deadline } from "./deadline.ts";
import type { Emit, ForcedEnd, JobStop } from "./events.ts";

/** `stopTimeoutMs`: milliseconds this job has; the deadline may give it less. */
type StopTerms = Readonly<{ stopTimeoutMs: number; deadline: Deadline; budget: Pick<Budget, "locateMs" | "killMs"> }>;

/** `askedAt`: by the monotonic clock. `tookMs`: from the request to the exit. `leftMs`: what the job still had then. */
export type StopOutcome = Pick<JobStop, "exit" | "tookMs" | "killed"> & Readonly<{ askedAt: number; leftMs: number }>;

/** Longest wait for a killed job before the deadline; from the deadline on the budget's share counts. */
const KILL_PATIENCE_MS = 1_000;

/** Never rejects. Takes at most what `stopTimeoutMs` and the deadline allow, plus `locateMs` and `killMs`. */
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
		// `false`: the job has ended meanwhile. It was late (after a freeze of the container, say), but ended by itself.
		if (job.kill()) {
			killed = { waitedMs: lateAt - askedAt, ...(where && { where }) };
			emit({ type: "job.killed", job: name, id, ...killed });
		}
		// A native call may last long: the job gets some of the time that is left. But others may wait for its end.
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

/** How long a run that has exited may take to go: a thread needs milliseconds. */
const LEAVE_MS = 1_000;

/**
 * What is left of a job's ended runs. A settled thread may not go: a call in native code, or in libuv's pool, holds it.
 *
 * Invariant: a new run begins beside at most one such thread. It never begins beside a stuck run: that may run code.
 */
export class LeftOver {
	readonly #runs = new Map<Job, JobExit>();

	add(job: Job, exit: JobExit): void {
		this.#runs.set(job, exit);
		void job.gone.then(() => this.#runs.delete(job));
	}

	/** Frees what the run holds. Settles within LEAVE_MS: whether nothing of the run is left. */
	async release(job: Job): Promise<boolean> {
		job.release();
		await within(job.gone, LEAVE_MS);
		return !this.#runs.has(job);
	}

	get isEmpty(): boolean {
		return this.#runs.size === 0;
	}

	/** Settles within LEAVE_MS: whether a new run may begin. */
	async isFree(): Promise<boolean> {
		await within(Promise.all([...this.#runs.keys()].map((job) => job.gone)), LEAVE_MS);
		return this.#runs.size < 2 && [...this.#runs.values()].every(({ outcome }) => outcome !== "stuck");
	}
}
