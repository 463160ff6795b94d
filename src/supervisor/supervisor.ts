/**
 * Starts the jobs in the order of their dependencies, and stops them once, in the opposite order. Sees only units, and
 * speaks only through events.
 *
 * Invariants:
 * - `run()` never rejects: after the first start every failure is an event.
 * - The first request to stop wins; later ones change nothing. From it on nothing is started any more.
 * - A job is started when all it depends on is ready, and asked to stop when all that depend on it have stopped, or when
 *   the deadline has come: then all that are left are asked at once.
 * - Every job that was started is joined, or given up, before `run()` resolves.
 */
import { monotonicMs, within } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import type { JobExit } from "../job/job.ts";
import { type Control, controlJobs } from "./commands.ts";
import { Deadline } from "./deadline.ts";
import type { Emit, JobStop, StopReason } from "./events.ts";
import { StartQueue } from "./starts.ts";
import type { StopOutcome } from "./stop.ts";
import { Unit, type UnitPlan } from "./unit.ts";

export interface SupervisorResult {
	readonly reason: StopReason;
	/** Every job that was started. */
	readonly jobs: readonly JobStop[];
	/** By the monotonic clock. */
	readonly requestedAt: number;
}

interface StopRequest {
	readonly reason: StopReason;
	/** By the monotonic clock. */
	readonly at: number;
}

export class Supervisor {
	/** What users may ask for while it runs. */
	readonly control: Control;
	readonly units: readonly Unit[];
	readonly #byName: ReadonlyMap<string, Unit>;
	readonly #budget: Budget;
	readonly #emit: Emit;
	readonly #deadline = new Deadline();
	readonly #starts = new StartQueue();
	readonly #stop = Promise.withResolvers<StopRequest>();
	/** Settles when the stop was requested and no run is left. */
	readonly #noneLeft = Promise.withResolvers<void>();
	/** That ran when the stop was requested. */
	#ranAtRequest: ReadonlySet<Unit> = new Set();
	#request: StopRequest | undefined;
	#starting = false;
	#again = false;

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
		// All at once, before anything else is done about them: a hundred jobs that turn in circles leave us no time for more.
		void this.#deadline.passed.then(() => {
			for (const unit of this.units) unit.giveWay();
		});
		this.control = controlJobs(this.#byName, emit, () => this.#request !== undefined);
	}

	async run(): Promise<SupervisorResult> {
		// A request can be there already: then nothing is started any more.
		this.#startNext();
		const { reason, at } = await this.#stop.promise;
		const { drainMs } = this.#budget;
		// Only a signal comes from somebody who sends requests elsewhere first. A timer of 0 would take a millisecond.
		this.#checkLeft();
		if (reason.type === "signal" && drainMs > 0)
			await within(Promise.race([this.#deadline.passed, this.#noneLeft.promise]), drainMs);
		return { reason, requestedAt: at, jobs: await this.#stopAll(at) };
	}

	/** Asks for the stop. Only the first request counts. */
	requestStop(reason: StopReason): void {
		if (this.#request) return;
		const { jobsMs } = this.#budget;
		this.#request = { reason, at: monotonicMs() };
		this.#ranAtRequest = new Set(this.units.filter(({ isRunning }) => isRunning));
		this.#starts.close();
		this.#deadline.bringTo(jobsMs);
		this.#emit({ type: "stop.requested", reason, jobsMs });
		this.#stop.resolve(this.#request);
	}

	/** Moves the deadline of a stop under way to this moment. */
	hurry(): void {
		if (!this.#request) return;
		this.#emit({ type: "stop.hurried" });
		this.expire();
	}

	/** The same, without a word: it is nobody's wish. */
	expire(): void {
		if (this.#request) this.#deadline.expire();
	}

	/** Passes a signal on to every job that is a process: these are returned. */
	forward(signal: NodeJS.Signals): string[] {
		return this.units.filter((unit) => unit.signal(signal)).map(({ plan }) => plan.name);
	}

	/**
	 * Starts whatever waits for nothing any more. A job that cannot start calls this function again: then the loop runs once more,
	 * instead of a nested call.
	 */
	#startNext(): void {
		this.#again = true;
		if (this.#starting) return;
		this.#starting = true;
		while (this.#again) {
			this.#again = false;
			for (const unit of this.units) this.#startIfFree(unit);
		}
		this.#starting = false;
	}

	#startIfFree(unit: Unit): void {
		if (this.#request || unit.state !== "waiting") return;
		const dependencies = this.#unitsOf(unit.plan.dependsOn);
		const failed = dependencies.find(({ isOver, state }) => isOver && state === "ended");
		if (failed) unit.failStart(`it depends on ${failed.plan.name}, which has ended`);
		else if (this.#isFree(unit))
			this.#starts.add(unit, () => {
				// What it depends on may have ended while it stood in the queue.
				if (this.#isFree(unit)) unit.start();
			});
	}

	#isFree({ state, plan }: Unit): boolean {
		if (state !== "waiting") return false;
		return this.#unitsOf(plan.dependsOn).every(({ isReady }) => isReady);
	}

	#onEnded({ plan }: Unit, exit: JobExit): void {
		if (this.#request) return;
		const { name, essential } = plan;
		if (essential) this.requestStop({ type: "job", job: name, exit });
		else this.#startNext();
		if (this.units.every(({ isOver }) => isOver)) this.requestStop({ type: "idle" });
	}

	#checkLeft(): void {
		if (!this.#request) return;
		if (this.units.every(({ isRunning }) => !isRunning)) this.#noneLeft.resolve();
	}

	async #stopAll(requestedAt: number): Promise<JobStop[]> {
		const stops = new Map<Unit, PromiseWithResolvers<void>>();
		const dependents = new Map<Unit, Unit[]>();
		for (const unit of this.units) {
			stops.set(unit, Promise.withResolvers());
			dependents.set(unit, []);
		}
		for (const unit of this.units)
			for (const base of this.#unitsOf(unit.plan.dependsOn)) dependents.get(base)?.push(unit);
		const results = [...stops].map(async ([unit, stopped]) => {
			const above = dependents.get(unit) ?? [];
			const gone = Promise.all(above.map((other) => stops.get(other)?.promise));
			await Promise.race([gone, this.#deadline.passed]);
			const outcome = await unit.stop();
			stopped.resolve();
			return this.#describeStop(unit, outcome, requestedAt);
		});
		return (await Promise.all(results)).filter((result) => result !== undefined);
	}

	#unitsOf(names: readonly string[]): Unit[] {
		return names.flatMap((name) => this.#byName.get(name) ?? []);
	}

	#describeStop(unit: Unit, stop: StopOutcome | undefined, requestedAt: number): JobStop | undefined {
		const { plan, lastExit: exit } = unit;
		const { name: job } = plan;
		if (stop) {
			const { askedAt, ...outcome } = stop;
			// It may have been asked before, by a command of its own.
			const askedMs = Math.max(0, askedAt - requestedAt);
			return { job, askedMs, ...outcome };
		}
		if (!exit) return undefined;
		const endedBefore = !this.#ranAtRequest.has(unit);
		return { job, exit, tookMs: 0, ...(endedBefore && { endedBefore }) };
	}
}
