/**
 * The supervisor: starts the jobs in the order of their dependencies, and stops them once, in the opposite order. It
 * knows only units, and reports only by events.
 *
 * Invariants:
 * - `run()` never rejects: after the first start every failure is an event.
 * - The first request to stop wins, later ones change nothing. After it nothing is started any more.
 * - A job is started when all jobs it depends on are ready. It is asked to stop when all jobs that depend on it have
 *   stopped. At the deadline all jobs that are left are asked at once.
 * - Every job that was started is joined, or given up, before `run()` resolves.
 */
import { monotonicMs, within } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import { describeExit, type JobExit } from "../job/job.ts";
import { type Control, controlJobs } from "./commands.ts";
import type { Emit, JobStop, StopReason } from "./events.ts";
import type { UnitPlan } from "./plan.ts";
import { StartQueue } from "./starts.ts";
import { Deadline } from "./stop.ts";
import { Unit } from "./unit.ts";

export interface SupervisorResult {
	readonly reason: StopReason;
	/** Every job that was started. */
	readonly jobs: readonly JobStop[];
	/** When the stop was requested, in monotonic milliseconds. */
	readonly requestedAt: number;
}

type StopRequest = Omit<SupervisorResult, "jobs">;

export class Supervisor {
	/** Carries out the commands of users. */
	readonly control: Control;
	readonly units: readonly Unit[];
	readonly #byName: ReadonlyMap<string, Unit>;
	readonly #budget: Budget;
	readonly #emit: Emit;
	readonly #deadline = new Deadline();
	readonly #starts = new StartQueue();
	readonly #requested = Promise.withResolvers<StopRequest>();
	/** Settles when the stop was requested and no run is left. */
	readonly #noneLeft = Promise.withResolvers<void>();
	/** The units that ran when the stop was requested. */
	#ranAtRequest: ReadonlySet<Unit> = new Set();
	#request: StopRequest | undefined;
	/** Whether #startNext() is running. */
	#isStarting = false;
	/** Whether the loop in #startNext() has to run once more. */
	#startAgain = false;

	constructor(plans: readonly UnitPlan[], budget: Budget, emit: Emit) {
		this.#budget = budget;
		this.#emit = emit;
		const hooks = {
			emit,
			budget,
			deadline: this.#deadline,
			starts: this.#starts,
			onReady: () => this.#startNext(),
			onRunEnded: () => this.#checkLeft(),
			onEnded: (unit: Unit, exit: JobExit) => this.#onEnded(unit, exit),
		};
		this.units = plans.map((plan) => new Unit(plan, hooks));
		this.#byName = new Map(this.units.map((unit) => [unit.plan.name, unit]));
		// Before the late jobs are located and killed: a hundred jobs in busy loops leave little processor time for that.
		void this.#deadline.passed.then(() => {
			for (const unit of this.units) unit.giveWay();
		});
		const stopAll = () => this.requestStop({ type: "command" });
		this.control = controlJobs(this.#byName, emit, () => this.#request !== undefined, stopAll);
	}

	async run(): Promise<SupervisorResult> {
		// Starts nothing if the stop was requested before.
		this.#startNext();
		const request = await this.#requested.promise;
		this.#checkLeft();
		// The drain delay is for the load balancer of a platform, and a platform stops us by a signal. No wait for 0 ms: a
		// timer takes a millisecond.
		if (request.reason.type === "signal" && this.#budget.drainMs > 0)
			await within(Promise.race([this.#deadline.passed, this.#noneLeft.promise]), this.#budget.drainMs);
		return { ...request, jobs: await this.#stopAll(request.requestedAt) };
	}

	/** Asks for the stop. Only the first request counts. */
	requestStop(reason: StopReason): void {
		if (this.#request) return;
		const { jobsMs } = this.#budget;
		this.#request = { reason, requestedAt: monotonicMs() };
		this.#ranAtRequest = new Set(this.units.filter(({ isRunning }) => isRunning));
		this.#starts.close();
		for (const unit of this.units) unit.endWatch();
		this.#deadline.bringTo(jobsMs);
		this.#emit({ type: "stop.requested", reason, jobsMs });
		this.#requested.resolve(this.#request);
	}

	/** Moves the deadline of a stop under way to this moment. */
	stopNow(): void {
		if (this.#request) this.#deadline.bringTo(0);
	}

	/** Passes a signal on to every job that is a process. Returns the names of these jobs. */
	forward(signal: NodeJS.Signals): string[] {
		return this.units.filter((unit) => unit.signal(signal)).map(({ plan }) => plan.name);
	}

	/**
	 * Starts every job that waits for no other job any more. The failure of a start calls this function again: then the
	 * loop runs once more, instead of a nested call. When every job has ended, asks for the stop.
	 */
	#startNext(): void {
		this.#startAgain = true;
		if (this.#isStarting) return;
		this.#isStarting = true;
		while (this.#startAgain) {
			this.#startAgain = false;
			for (const unit of this.units) this.#startIfFree(unit);
		}
		this.#isStarting = false;
		if (this.units.every(({ isOver }) => isOver)) this.requestStop({ type: "idle" });
	}

	#startIfFree(unit: Unit): void {
		if (this.#request || unit.state !== "waiting") return;
		const failed = this.#dependenciesOf(unit).find(({ isOver, state }) => isOver && state === "ended");
		if (failed) {
			const message = `it depends on ${failed.plan.name}, which ${describeEnd(failed)}`;
			unit.endUnstarted({ outcome: "not-started", error: { name: "DependencyError", message } });
		} else if (this.#isFree(unit))
			this.#starts.add(unit, () => {
				// A job that it depends on may have ended while this one stood in the queue.
				if (this.#isFree(unit)) unit.enter();
			});
	}

	#isFree(unit: Unit): boolean {
		return unit.state === "waiting" && this.#dependenciesOf(unit).every(({ isReady }) => isReady);
	}

	#dependenciesOf({ plan }: Unit): Unit[] {
		return plan.dependsOn.flatMap((name) => this.#byName.get(name) ?? []);
	}

	#onEnded({ plan }: Unit, exit: JobExit): void {
		if (this.#request) return;
		if (plan.essential || (plan.exitsIfStuck && exit.outcome === "stuck"))
			this.requestStop({ type: "job", job: plan.name, exit });
		else this.#startNext();
	}

	#checkLeft(): void {
		if (this.#request && this.units.every(({ isRunning }) => !isRunning)) this.#noneLeft.resolve();
	}

	async #stopAll(requestedAt: number): Promise<JobStop[]> {
		const stops = new Map(this.units.map((unit) => [unit, Promise.withResolvers<void>()]));
		/** For each unit: the stops of the units that depend on it. */
		const dependents = new Map<Unit, Promise<void>[]>(this.units.map((unit) => [unit, []]));
		for (const [unit, { promise }] of stops)
			for (const dependency of this.#dependenciesOf(unit)) dependents.get(dependency)?.push(promise);
		const results = [...stops].map(async ([unit, { resolve }]): Promise<JobStop | undefined> => {
			await Promise.race([Promise.all(dependents.get(unit) ?? []), this.#deadline.passed]);
			const stop = await unit.stop();
			resolve();
			const { plan, lastExit: exit } = unit;
			const { name: job } = plan;
			if (stop) {
				const { askedAt, ...outcome } = stop;
				// Not below 0: a command may have asked the job before the program's stop was requested.
				return { job, askedMs: Math.max(0, askedAt - requestedAt), ...outcome };
			}
			const endedBefore = !this.#ranAtRequest.has(unit);
			return exit && { job, exit, tookMs: 0, ...(endedBefore && { endedBefore }) };
		});
		return (await Promise.all(results)).filter((result) => result !== undefined);
	}
}

/** Leaves out why a job could not start: in a chain of jobs each message would repeat the one before. */
function describeEnd({ lastExit }: Unit): string {
	return lastExit && lastExit.outcome !== "not-started" ? describeExit(lastExit) : "could not start";
}
