/** The stop of one job: ask and join it; if it is late, find out where it is and kill it. And what ended runs leave. */
import { monotonicMs, within } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import type { Job, JobExit, Stoppable } from "../job/job.ts";
import type { Deadline } from "./deadline.ts";
import type { Emit, ForcedEnd, JobStop } from "./events.ts";

/** `stopTimeoutMs`: milliseconds this job has; the deadline may give it less. */
type StopTerms = Readonly<{ stopTimeoutMs: number; deadline: Deadline; budget: Pick<Budget, "locateMs" | "killMs"> }>;

/** `askedAt`: by the monotonic clock. `tookMs`: from the request to the exit. `leftMs`: what the job still had then. */
export type StopOutcome = Pick<JobStop, "exit" | "tookMs" | "killed"> & Readonly<{ askedAt: number; leftMs: number }>;

/** Longest wait for the end of a killed job before the deadline. From the deadline on it is `killMs`. */
const KILL_PATIENCE_MS = 1_000;

/**
 * Stops a job: kills it if it has not ended after `stopTimeoutMs`, or at the deadline. Never rejects. Settles at the
 * latest `locateMs` and `killMs` after the deadline.
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
		// `false`: the job has ended meanwhile. It was late (after a freeze of the container, say), but ended by itself.
		if (job.kill()) {
			killed = { waitedMs: lateAt - askedAt, ...(where && { where }) };
			emit({ type: "job.killed", job: name, id, ...killed });
		}
		// A native call may last long: before the deadline the job gets more time. But other jobs may wait for its end.
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

/** Longest wait until nothing is left of an exited run: a thread needs milliseconds. */
const LEAVE_MS = 1_000;

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

	/** Frees what the run holds. Resolves within LEAVE_MS to whether nothing of the run is left. */
	async release(job: Job): Promise<boolean> {
		job.release();
		await within(job.gone, LEAVE_MS);
		return !this.#runs.has(job);
	}

	get isEmpty(): boolean {
		return this.#runs.size === 0;
	}

	/** Resolves within LEAVE_MS to whether a new run may begin. */
	async isFree(): Promise<boolean> {
		await within(Promise.all([...this.#runs.keys()].map((job) => job.gone)), LEAVE_MS);
		return this.#runs.size < 2 && [...this.#runs.values()].every(({ outcome }) => outcome !== "stuck");
	}
}
