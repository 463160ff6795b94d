/**
 * Starts the jobs, watches them, and stops them once. Sees only the Job interface, and speaks only through events.
 *
 * Invariants:
 * - `run()` never rejects: after the first start every failure is an event.
 * - The first request to stop wins; later ones change nothing.
 * - Every job that was started is joined, or given up, before `run()` resolves.
 */
import type { Emit, JobStop, StopReason } from "../events.ts";
import type { Job, JobExit } from "../job/job.ts";
import type { Budget } from "./budget.ts";
import { Deadline } from "./deadline.ts";
import { stopJobs } from "./stop.ts";

export interface JobPlan {
	readonly job: Job;
	/** Whether the program ends when this job does. */
	readonly essential: boolean;
	/** Milliseconds. */
	readonly stopTimeoutMs: number;
}

export interface SupervisorResult {
	readonly reason: StopReason;
	/** Every job that was started. */
	readonly jobs: readonly JobStop[];
	/** performance.now() of the request. */
	readonly requestedAt: number;
}

interface StopRequest {
	readonly reason: StopReason;
	/** performance.now() of the request. */
	readonly at: number;
	readonly deadline: Deadline;
}

export class Supervisor {
	readonly #plans: readonly JobPlan[];
	readonly #budget: Budget;
	readonly #emit: Emit;
	readonly #stop = Promise.withResolvers<StopRequest>();
	readonly #started: JobPlan[] = [];
	/** How the jobs ended that ended before any request. */
	readonly #ended = new Map<Job, JobExit>();
	#request: StopRequest | undefined;

	constructor(plans: readonly JobPlan[], budget: Budget, emit: Emit) {
		this.#plans = plans;
		this.#budget = budget;
		this.#emit = emit;
	}

	async run(): Promise<SupervisorResult> {
		// A request can be there already: then nothing is started any more.
		for (const plan of this.#plans) if (!this.#request) this.#start(plan);
		const { reason, at, deadline } = await this.#stop.promise;

		const alive = this.#started.filter(({ job }) => !this.#ended.has(job));
		const { killMs } = this.#budget;
		const stops = await stopJobs(alive, deadline, killMs, this.#emit);
		const jobs = [
			...[...this.#ended].map(([{ name }, exit]) => ({
				job: name,
				exit,
				tookMs: 0,
			})),
			...stops,
		];
		return { reason, jobs, requestedAt: at };
	}

	/** Asks for the stop. Only the first request counts. */
	requestStop(reason: StopReason): void {
		if (this.#request) return;
		const { jobsMs } = this.#budget;
		this.#request = {
			reason,
			at: performance.now(),
			deadline: new Deadline(jobsMs),
		};
		this.#emit({ type: "stop.requested", reason, jobsMs });
		this.#stop.resolve(this.#request);
	}

	/** Moves the deadline of a stop under way to this moment. */
	hurry(): void {
		if (!this.#request) return;
		this.#emit({ type: "stop.hurried" });
		this.#request.deadline.expire();
	}

	#start(plan: JobPlan): void {
		const { job } = plan;
		this.#started.push(plan);
		job.start();
		const { name, id } = job;
		if (id !== 0) this.#emit({ type: "job.started", job: name, id });
		void job.exited.then((exit) => this.#onExit(plan, exit));
	}

	#onExit({ job, essential }: JobPlan, exit: JobExit): void {
		// From the request on, ends are the business of the stop.
		if (this.#request) return;
		this.#ended.set(job, exit);
		this.#emit({ type: "job.exited", job: job.name, id: job.id, exit });
		if (essential) this.requestStop({ type: "job", job: job.name, exit });
		else if (this.#ended.size === this.#plans.length)
			this.requestStop({ type: "idle" });
	}
}
