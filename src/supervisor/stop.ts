/** Turns one job's stop into *ask, join, look where it is if it is late, kill*. */
import { monotonicMs, within } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import type { Job, JobExit } from "../job/job.ts";
import type { Deadline } from "./deadline.ts";
import type { Emit, ForcedEnd } from "./events.ts";

export interface StopTerms {
	/** Milliseconds this job has; the deadline may give it less. */
	readonly stopTimeoutMs: number;
	readonly deadline: Deadline;
	readonly budget: Pick<Budget, "locateMs" | "killMs">;
}

export interface StopOutcome {
	readonly exit: JobExit;
	/** By the monotonic clock. */
	readonly askedAt: number;
	/** Milliseconds from the request to the exit. */
	readonly tookMs: number;
	/** Milliseconds it still had. */
	readonly leftMs: number;
	readonly killed?: ForcedEnd;
}

/** Longest wait for a killed job before the deadline; after it the budget's share counts. */
const KILL_PATIENCE_MS = 1_000;

/** Never rejects, and takes no longer than `stopTimeoutMs` and the deadline allow, plus the two times of the budget. */
export async function stopJob(
	job: Job,
	{ stopTimeoutMs, deadline, budget }: StopTerms,
	emit: Emit,
): Promise<StopOutcome> {
	const { name, id } = job;
	const askedAt = monotonicMs();
	const elapsed = () => monotonicMs() - askedAt;
	emit({ type: "job.stopRequested", job: name, id });
	job.requestStop();
	let killed: ForcedEnd | undefined;
	if (!(await deadline.join(job.exited, stopTimeoutMs))) {
		const waitedMs = elapsed();
		const late = monotonicMs();
		const where = await Promise.race([job.locate(budget.locateMs), job.exited.then(() => undefined)]);
		// Late, but by itself, if it has ended meanwhile: when the whole container was frozen beyond the deadline, say.
		if (job.kill()) {
			killed = { waitedMs, ...(where && { where }) };
			emit({ type: "job.killed", job: name, id, ...killed });
		}
		// A native call may take its time: it gets some of what is left, but others may wait for this job to be gone.
		const killedAt = monotonicMs();
		await deadline.join(job.exited, KILL_PATIENCE_MS);
		const leastMs = budget.locateMs + budget.killMs - (killedAt - late);
		const spentMs = monotonicMs() - killedAt;
		await within(job.exited, Math.max(0, leastMs - spentMs));
		job.giveUp();
	}
	const exit = await job.exited;
	const tookMs = elapsed();
	const allowedMs = Math.min(stopTimeoutMs, deadline.remainingMs + tookMs);
	emit({ type: "job.exited", job: name, id, exit, stop: { tookMs } });
	return {
		exit,
		askedAt,
		tookMs,
		leftMs: Math.max(0, allowedMs - tookMs),
		...(killed && { killed }),
	};
}

// ==== from left-over.ts

/**
 * What is left of a job's runs that have exited.
 *
 * A thread that has settled may not go: a call in native code, or in libuv's pool, holds it. One of them may be there beside the
 * next run. Never a second one, and never a run that is stuck: its code may still run.
 */

/** Time for it to go: a thread needs milliseconds. */
const LEAVE_MS = 1_000;

export class LeftOver {
	readonly #runs = new Map<Job, JobExit>();

	add(job: Job, exit: JobExit): void {
		this.#runs.set(job, exit);
		void job.gone.then(() => this.#runs.delete(job));
	}

	/** Frees what the run holds. Settles after a moment: whether it has gone. */
	async release(job: Job): Promise<boolean> {
		job.release();
		await within(job.gone, LEAVE_MS);
		return !this.#runs.has(job);
	}

	/** Tells whether a new run may begin: at once where nothing is left, else after a moment for it to go. */
	whenFree(tell: (isFree: boolean) => void): void {
		if (this.#runs.size === 0) tell(true);
		else void this.isFree().then(tell);
	}

	async isFree(): Promise<boolean> {
		const gone = [...this.#runs.keys()].map((job) => job.gone);
		if (gone.length > 0) await within(Promise.all(gone), LEAVE_MS);
		const exits = [...this.#runs.values()];
		return exits.length < 2 && exits.every(({ outcome }) => outcome !== "stuck");
	}
}
