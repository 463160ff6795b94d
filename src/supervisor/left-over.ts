/**
 * What is left of a job's runs that have exited.
 *
 * A thread that has settled may not go: a call in native code, or in libuv's pool, holds it. One of them may be there beside the
 * next run. Never a second one, and never a run that is stuck: its code may still run.
 */
import type { Job, JobExit } from "../job/job.ts";
import { within } from "../within.ts";

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
		return (
			exits.length < 2 && exits.every(({ outcome }) => outcome !== "stuck")
		);
	}
}
