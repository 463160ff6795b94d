/**
 * One job through all its runs: starts it, learns when it is ready, restarts it, stops it.
 *
 * What is wanted and what is are two facts: `#held` says that somebody asked for its stop, `#state` where it is now.
 *
 * Invariants:
 * - At most one run at a time; a new one begins only after the exit of the one before. See left-over.ts for what may be there of
 *   that one.
 * - Whatever belongs to a start (readiness poll, start timeout) ends with the first of: ready, exit, stop. A restart that
 *   waits ends with a stop. So none of them ever delays a stop.
 * - A second request to stop joins the first one.
 */
import { monotonicMs } from "../clock.ts";
import { isSuccess, type Job, type JobExit } from "../job/job.ts";
import { LeftOver } from "./left-over.ts";
import type { UnitPlan } from "./plan.ts";
import { HEALTHY_MS, planRestart } from "./restart.ts";
import { watchStart } from "./start.ts";
import { type StopOutcome, stopJob } from "./stop.ts";
import type { Run, UnitHooks, UnitState } from "./unit-state.ts";

export class Unit {
	readonly plan: UnitPlan;
	readonly leftOver = new LeftOver();
	readonly #hooks: UnitHooks;
	#state: UnitState = { type: "waiting" };
	#startWaiters: (() => void)[] = [];
	#held = false;
	/** In a row, without a healthy run between them. */
	#restarts = 0;
	/** The same of runs that were neither healthy nor a success. */
	#failures = 0;
	#lastExit: JobExit | undefined;

	constructor(plan: UnitPlan, hooks: UnitHooks) {
		this.plan = plan;
		this.#hooks = hooks;
	}

	get state(): UnitState["type"] {
		return this.#state.type;
	}

	/** How its last run ended, if one has. */
	get lastExit(): JobExit | undefined {
		return this.#lastExit;
	}

	/** Whether it has ended by itself, and will not be started again. */
	get isOver(): boolean {
		const { type } = this.#state;
		return !this.#held && (type === "ended" || type === "completed");
	}

	/** Begins a run, unless there is one. Never throws: a failure is an exit. */
	start(): void {
		const { type } = this.#state;
		if (type === "starting" || type === "ready" || type === "stopping") return;
		this.#hooks.starts.remove(this);
		this.#held = false;
		this.#restarts = 0;
		this.#failures = 0;
		this.#begin();
	}

	/** What it depends on has failed: it never runs. */
	failStart(message: string): void {
		if (this.#state.type !== "waiting") return;
		const error = { name: "DependencyError", message };
		this.#endUnstarted({ outcome: "not-started", error });
	}

	/** Asks for the stop and joins. Never rejects; `undefined` if there was nothing to stop. */
	async stop(): Promise<StopOutcome | undefined> {
		if (this.isOver) return undefined;
		this.#held = true;
		const { starts, deadline, emit } = this.#hooks;
		starts.remove(this);
		const state = this.#state;
		if (state.type === "stopping") return state.stop;
		if ("run" in state) return this.#stopRun(state.run);
		// It waited for its start. At the program's stop the report tells of it.
		if (state.type !== "ended" && !deadline.isSet)
			emit({ type: "job.withdrawn", job: this.plan.name });
		this.#enter({ type: "ended" });
		return undefined;
	}

	/** Has it start when what it depends on is ready, unless it runs. */
	wait(): void {
		if ("run" in this.#state || this.#state.type === "stopping") return;
		this.#held = false;
		this.#restarts = 0;
		this.#failures = 0;
		this.#hooks.emit({ type: "job.waiting", job: this.plan.name });
		this.#enter({ type: "waiting" });
	}

	/** Settles when its start is over: it is ready, or has failed. */
	async started(): Promise<void> {
		if (this.#state.type !== "starting") return;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#startWaiters.push(resolve);
		await promise;
	}

	/** Whether there is a run. */
	get isRunning(): boolean {
		return "run" in this.#state || this.#state.type === "stopping";
	}

	/** A one-shot that has ended well is as good as ready, for ever. */
	get isReady(): boolean {
		const { type } = this.#state;
		return type === "ready" || type === "completed";
	}

	#enter(state: UnitState): void {
		this.#state = state;
		if (state.type === "starting") return;
		for (const resolve of this.#startWaiters.splice(0)) resolve();
	}

	/** Passes a signal on. `false` if there is no process to take it. */
	signal(signal: NodeJS.Signals): boolean {
		const state = this.#state;
		return "run" in state && state.run.job.signal(signal);
	}

	/** Has a run that is still stopping give way to us. */
	giveWay(): void {
		if (this.#state.type === "stopping") this.#state.job.giveWay();
	}

	#begin(): void {
		const { makeJob, kind, readiness } = this.plan;
		const { emit } = this.#hooks;
		const job = makeJob({
			onReady: () => this.#onSaidReady(run),
			onLeaderGone: (exit, rest) => {
				const { name, id } = job;
				emit({ type: "job.leaderExited", job: name, id, exit, rest });
				// What is left of its group ends before the next run begins.
				void this.#stopAndGoOn(run, exit);
			},
		});
		const starting = new AbortController();
		const run: Run = { job, startedAt: monotonicMs(), starting };
		this.#enter({ type: "starting", run });
		job.start();
		const { name, id } = job;
		if (id !== 0) {
			const ready = readiness.type === "started";
			emit({ type: "job.started", job: name, kind, id, ready });
			this.#awaitReady(run);
		}
		void job.exited.then((exit) => this.#onExit(run, exit));
	}

	#awaitReady(run: Run): void {
		if (this.plan.readiness.type === "started") {
			this.#becomeReady(run);
			return;
		}
		watchStart(this.plan, run.starting.signal, {
			onReady: () => this.#onReady(run),
			onTimeout: (detail) => void this.#giveUpStart(run, detail),
		});
	}

	/** Of jobs whose readiness is found out in another way it is no more than news. */
	#onSaidReady(run: Run): void {
		const { name, readiness } = this.plan;
		if (readiness.type === "notify") this.#onReady(run);
		else if (readiness.type === "started")
			this.#hooks.emit({ type: "job.ready", job: name });
	}

	#onReady(run: Run): void {
		const state = this.#state;
		if (state.type !== "starting" || state.run !== run) return;
		this.#hooks.emit({ type: "job.ready", job: this.plan.name });
		this.#becomeReady(run);
	}

	#becomeReady(run: Run): void {
		this.#enter({ type: "ready", run });
		run.starting.abort();
		this.#hooks.onReady(this);
	}

	/** Not ready in time: that run is stopped, and counts as failed. */
	async #giveUpStart(run: Run, detail: string): Promise<void> {
		const { name, startTimeoutMs: waitedMs } = this.plan;
		const { emit, deadline } = this.#hooks;
		// It will be asked to stop anyway.
		if (deadline.isSet) return;
		emit({ type: "job.startTimedOut", job: name, waitedMs, detail });
		const message = `not ready after ${waitedMs} ms: ${detail}`;
		const error = { name: "StartTimeoutError", message };
		await this.#stopAndGoOn(run, { outcome: "not-ready", error });
	}

	/** Stops a run for a reason of its own, and goes on as if it had ended with that exit by itself. */
	async #stopAndGoOn(run: Run, exit: JobExit): Promise<void> {
		const stop = await this.#stopRun(run);
		// Asked to stop meanwhile, or even started again.
		if (this.#held || this.#state.type !== "ended") return;
		// If it could not be ended a second one must not run beside it. When the program stops, the run's own end counts.
		if (stop.exit.outcome === "stuck" || this.#hooks.deadline.isSet)
			this.#end(stop.exit);
		else this.#next(run, exit);
	}

	async #stopRun(run: Run): Promise<StopOutcome> {
		run.starting.abort();
		const { deadline, budget, emit } = this.#hooks;
		const { stopTimeoutMs = budget.jobsMs } = this.plan;
		const stop = stopJob(run.job, { stopTimeoutMs, deadline, budget }, emit);
		this.#enter({ type: "stopping", job: run.job, stop });
		const { exit } = await stop;
		this.#lastExit = exit;
		this.#enter({ type: "ended" });
		this.#leave(run.job, exit);
		return stop;
	}

	#onExit(run: Run, exit: JobExit): void {
		run.starting.abort();
		// The stop tells of it.
		if (!("run" in this.#state)) return;
		const { name: job } = this.plan;
		const { id } = run.job;
		this.#hooks.emit({ type: "job.exited", job, id, exit });
		this.#next(run, exit);
		this.#leave(run.job, exit);
	}

	/** After the news of its end: that may have begun the program's stop, where a thread is better left alone. */
	#leave(job: Job, exit: JobExit): void {
		const { emit, deadline, onRunEnded } = this.#hooks;
		onRunEnded();
		this.leftOver.add(job, exit);
		if (deadline.isSet) return;
		void this.leftOver.release(job).then((hasGone) => {
			if (hasGone || deadline.isSet) return;
			emit({ type: "job.leftOver", job: job.name, id: job.id });
		});
	}

	/** After a run that has ended by itself. */
	#next(run: Run, exit: JobExit): void {
		this.#lastExit = exit;
		if (this.plan.readiness.type === "exit" && isSuccess(exit)) {
			this.#enter({ type: "completed" });
			this.#hooks.emit({ type: "job.ready", job: this.plan.name });
			this.#hooks.onReady(this);
			return;
		}
		const success = isSuccess(exit);
		const ms = monotonicMs() - run.startedAt;
		this.#failures = success || ms >= HEALTHY_MS ? 0 : this.#failures + 1;
		const ended = {
			success,
			ms,
			restarts: this.#restarts,
			failures: this.#failures,
		};
		const restart = planRestart(this.plan.restart, ended, Math.random());
		const { emit, deadline, starts } = this.#hooks;
		// When the program stops nothing is started any more.
		if (!restart || deadline.isSet) {
			this.#end(exit);
			return;
		}
		this.#restarts = restart.restarts;
		starts.addLater(this, () => this.#beginAgain(), restart.delayMs);
		this.#enter({ type: "backing-off" });
		emit({ type: "restart.scheduled", job: this.plan.name, ...restart });
	}

	#beginAgain(): void {
		this.leftOver.whenFree((isFree) => {
			// Asked to stop meanwhile, or even started again.
			if (this.#state.type !== "backing-off" || this.#hooks.deadline.isSet)
				return;
			if (isFree) this.#begin();
			else this.#endUnstarted({ outcome: "stuck" });
		});
	}

	/** Without a run of its own. */
	#endUnstarted(exit: JobExit): void {
		this.#hooks.emit({ type: "job.exited", job: this.plan.name, id: 0, exit });
		this.#end(exit);
	}

	#end(exit: JobExit): void {
		this.#lastExit = exit;
		this.#enter({ type: "ended" });
		this.#hooks.onEnded(this, exit);
	}
}
