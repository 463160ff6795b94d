/** Turns one request into *raise every flag, join every job, kill who is late*. */
import type { Emit, JobStop } from "../events.ts";
import type { Job } from "../job/job.ts";
import { type Deadline, within } from "./deadline.ts";

export interface StopPlan {
	readonly job: Job;
	/** Milliseconds this job has; the deadline may give it less. */
	readonly stopTimeoutMs: number;
}

/**
 * Never rejects, and takes no longer than the deadline plus `killMs`.
 *
 * @param killMs Longest wait for a killed job to be gone; after that it counts as stuck.
 */
export async function stopJobs(
	plans: readonly StopPlan[],
	deadline: Deadline,
	killMs: number,
	emit: Emit,
): Promise<JobStop[]> {
	const asked = performance.now();
	// All flags first, so that no job's wait delays another job's request.
	for (const { job } of plans) job.requestStop();
	return Promise.all(
		plans.map(async ({ job, stopTimeoutMs }) => {
			if (!(await deadline.join(job.exited, stopTimeoutMs))) {
				const waitedMs = performance.now() - asked;
				emit({ type: "job.killed", job: job.name, id: job.id, waitedMs });
				job.kill();
				await within(job.exited, killMs);
				job.giveUp();
			}
			const exit = await job.exited;
			const tookMs = performance.now() - asked;
			emit({
				type: "job.exited",
				job: job.name,
				id: job.id,
				exit,
				stop: { tookMs },
			});
			return { job: job.name, exit, tookMs };
		}),
	);
}
