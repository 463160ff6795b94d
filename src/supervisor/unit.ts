/**
 * A unit: one job through all its runs. It starts the job, learns when the job is ready, restarts it and stops it.
 *
 * Two facts are kept apart: `#state` is what the job does now, `#held` is whether a user or the program has stopped it.
 *
 * Invariants:
 * - A job has at most one run at a time. The next run begins after the exit of the run before. `LeftOver` in stop.ts
 *   says what of the earlier run may still be there.
 * - A readiness probe and a start timeout end as soon as the run is ready, exits, or is stopped. A scheduled restart is
 *   dropped when the job is stopped. None of them delays a stop.
 * - A second stop request joins the first one.
 * - Liveness is checked while the run is ready (or is a one-shot), and not after its stop, or the program's, was requested.
 */
import { monotonicMs } from "../base/time.ts";
import type { JobSettings } from "../config/schema.ts";
import type { Budget } from "../config/stop-timeout.ts";
import { isSuccess, type Job, type JobExit, type JobKind, type RunHooks } from "../job/job.ts";
import { pollUntilReady } from "../job/readiness.ts";
import type { Emit } from "./events.ts";
import type { Watch } from "./liveness.ts";
import { planRestart, type RestartPolicy, type StartQueue, type Streak } from "./starts.ts";
import { type Deadline, LeftOver, type StopOutcome, stopJob } from "./stop.ts";

/** What the configuration says of a job, of either kind. `makeJob` makes the job of one run. */
export type UnitPlan = RestartPolicy &
	Pick<JobSettings, "essential" | "dependsOn" | "readiness" | "startTimeout" | "stopTimeout"> &
	Readonly<{
		name: string;
		kind: JobKind;
		makeJob: (hooks: RunHooks) => Job;
		/** Set if the job has `liveness`. */
		watch?: Watch | undefined;
		/** Whether the program stops if not even a kill ends the job. */
		exitsIfStuck?: boolean;
	}>;

/** Default of `startTimeout`. With readiness "exit" there is none: such a job may take as long as it needs. */
const START_TIMEOUT_MS = 60_000;
/** The longest search for the place where a job hangs. Unlike at a stop, nobody waits for the end of the job. */
export const LOCATE_HUNG_MS = 2_000;

export interface UnitHooks {
	readonly emit: Emit;
	/** The jobs that depend on this one may start. */
	readonly onReady: () => void;
	/** A run has ended, in whichever way. The unit's state shows that already. */
	readonly onRunEnded: () => void;
	/** The job has ended for good, and nobody had asked for its stop. */
	readonly onEnded: (unit: Unit, exit: JobExit) => void;
	/** The deadline of the program's stop: infinitely far away until that stop is requested. */
	readonly deadline: Deadline;
	readonly budget: Budget;
	/** The queue of all starts. A stop removes this job's entry. */
	readonly starts: StartQueue;
}

interface Run {
	readonly job: Job;
	readonly startedAt: number;
	/** Aborted when the start is over: the job is ready, has exited, or is asked to stop. */
	readonly starting: AbortController;
	/** When a run that hangs was last known to be well. */
	aliveUntil?: number;
}

type State =
	/** `waiting`: for the jobs it depends on. `completed`: its readiness is `exit`, and it has ended well. */
	| Readonly<{ type: "waiting" | "completed" | "backing-off" | "ended" }>
	| Readonly<{ type: "starting" | "ready"; run: Run }>
	| Readonly<{ type: "stopping"; run: Run; stop: Promise<StopOutcome> }>;

export type JobState = State["type"];

export class Unit {
	readonly plan: UnitPlan;
	readonly leftOver = new LeftOver();
	/** When the present state began, by the monotonic clock. Only this class writes this field and the next three. */
	since = monotonicMs();
	/** How often the job has been restarted since the program started. */
	restarts = 0;
	/** Whether the run answers: `false` from the failed checks to the next run, `undefined` where nothing is checked. */
	isAlive: boolean | undefined;
	/** How the last run ended, if one has. */
	lastExit: JobExit | undefined;
	readonly #hooks: UnitHooks;
	#state: State = { type: "waiting" };
	#held = false;
	#streak: Streak = { restarts: 0, failures: 0 };
	#endWatch = () => {};

	constructor(plan: UnitPlan, hooks: UnitHooks) {
		this.plan = plan;
		this.#hooks = hooks;
	}

	get state(): JobState {
		return this.#state.type;
	}

	/** Thread id, or pid, of the present run. */
	get id(): number | undefined {
		// 0: nothing was started.
		return this.#run?.job.id || undefined;
	}

	get isRunning(): boolean {
		return this.#run !== undefined;
	}

	/** Whether the job has ended for good, and nobody had asked for its stop. */
	get isOver(): boolean {
		return !this.#held && (this.state === "ended" || this.state === "completed");
	}

	/** Whether the jobs that depend on this one may start. */
	get isReady(): boolean {
		return this.state === "ready" || this.state === "completed";
	}

	get #run(): Run | undefined {
		return "run" in this.#state ? this.#state.run : undefined;
	}

	/** Begins a run, unless there is one. Never throws: a failure is an exit. */
	start(): void {
		if (this.isRunning) return;
		this.#hooks.starts.remove(this);
		this.#forgetPast();
		this.#begin();
	}

	/** Lets the job start when the jobs it depends on are ready, unless it runs. */
	wait(): void {
		if (this.isRunning) return;
		this.#forgetPast();
		this.#hooks.emit({ type: "job.waiting", job: this.plan.name });
		this.#enter({ type: "waiting" });
	}

	/** Ends a job without a run, with an exit that says why. */
	endUnstarted(exit: JobExit): void {
		this.#hooks.emit({ type: "job.exited", job: this.plan.name, id: 0, exit });
		this.#end(exit);
	}

	/** Settles when the start is over: the job is ready, or its start has failed. */
	async started(): Promise<void> {
		if (this.#state.type !== "starting") return;
		const { signal } = this.#state.run.starting;
		await new Promise((resolve) => signal.addEventListener("abort", resolve));
	}

	/** Asks the job to stop, and waits for its exit. Never rejects. `undefined`: there was no run to stop. */
	async stop(): Promise<StopOutcome | undefined> {
		if (this.isOver) return undefined;
		this.#held = true;
		const { starts, deadline, emit } = this.#hooks;
		starts.remove(this);
		const state = this.#state;
		if (state.type === "stopping") return state.stop;
		if ("run" in state) {
			const outcome = await this.#stopRun(state.run);
			this.#release(state.run.job);
			return outcome;
		}
		// Not an event at the program's stop: then no job that waits is started.
		if (state.type !== "ended" && !deadline.isSet) emit({ type: "job.withdrawn", job: this.plan.name });
		this.#enter({ type: "ended" });
		return undefined;
	}

	/** Passes a signal on. `false` if no process can take it, or if the job is stopping. */
	signal(signal: NodeJS.Signals): boolean {
		if (this.#state.type === "stopping") return false;
		return this.#run?.job.signal(signal) ?? false;
	}

	/** Ends the checks of the run, if there are any. */
	endWatch(): void {
		this.#endWatch();
		if (this.isAlive) this.isAlive = undefined;
	}

	/** Gives a run that is still stopping the lowest priority. */
	giveWay(): void {
		if (this.#state.type === "stopping") this.#state.run.job.giveWay();
	}

	#forgetPast(): void {
		this.#held = false;
		this.#streak = { restarts: 0, failures: 0 };
	}

	#enter(state: State): void {
		this.#state = state;
		this.since = monotonicMs();
	}

	#begin(): void {
		const { makeJob, kind, readiness } = this.plan;
		const { emit } = this.#hooks;
		const job = makeJob({
			onReady: () => this.#onSaidReady(run),
			onLeaderGone: (exit, rest) => {
				emit({ type: "job.leaderExited", job: job.name, id: job.id, exit, rest });
				// The rest of its group ends before the next run begins.
				void this.#stopAndGoOn(run, exit);
			},
		});
		const run: Run = { job, startedAt: monotonicMs(), starting: new AbortController() };
		this.isAlive = undefined;
		this.#enter({ type: "starting", run });
		job.start();
		if (job.id !== 0) {
			const ready = readiness === undefined;
			emit({ type: "job.started", job: job.name, kind, id: job.id, ready });
			if (ready) this.#becomeReady(run);
			else this.#watchStart(run);
			// A one-shot is never ready while it runs.
			if (readiness === "exit") this.#watchLife(run);
		}
		void job.exited.then((exit) => this.#onExit(run, exit));
	}

	/** Waits for readiness, and gives up at the start timeout. */
	#watchStart(run: Run): void {
		const { readiness = "started" } = this.plan;
		const { startTimeout = readiness === "exit" ? Number.POSITIVE_INFINITY : START_TIMEOUT_MS } = this.plan;
		const { signal } = run.starting;
		let detail = `no sign of readiness (${typeof readiness === "string" ? readiness : Object.keys(readiness)})`;
		if (readiness === "notify") detail = "no READY=1 at NOTIFY_SOCKET, which only the user of the init can reach";
		if (typeof readiness === "object")
			void pollUntilReady(readiness, signal, (message) => {
				detail = message;
			}).then(() => this.#onReady(run));
		if (!Number.isFinite(startTimeout)) return;
		const timer = setTimeout(() => void this.#giveUpStart(run, startTimeout, detail), startTimeout);
		signal.addEventListener("abort", () => clearTimeout(timer));
	}

	/** The job says that it is ready. With `notify` it becomes ready now. Without readiness it was so from the start. */
	#onSaidReady(run: Run): void {
		const { name, readiness } = this.plan;
		if (readiness === "notify") this.#onReady(run);
		else if (readiness === undefined) this.#hooks.emit({ type: "job.ready", job: name });
	}

	#onReady(run: Run): void {
		if (this.#state.type !== "starting" || this.#run !== run) return;
		this.#hooks.emit({ type: "job.ready", job: this.plan.name });
		this.#becomeReady(run);
	}

	#becomeReady(run: Run): void {
		this.#enter({ type: "ready", run });
		run.starting.abort();
		this.#watchLife(run);
		this.#hooks.onReady();
	}

	#watchLife(run: Run): void {
		const { watch } = this.plan;
		if (!watch || this.#hooks.deadline.isSet) return;
		this.isAlive = true;
		this.#endWatch = watch(run.job, (found, silentMs) => {
			// A run that hangs from its beginning on is not a healthy one, however long the checks take.
			run.aliveUntil = monotonicMs() - silentMs;
			void this.#endHung(run, found);
		});
	}

	/** Stops a run that does not answer. The run counts as failed. */
	async #endHung(run: Run, found: string): Promise<void> {
		const { name } = this.plan;
		const { emit, deadline } = this.#hooks;
		this.isAlive = false;
		const where = await Promise.race([run.job.locate(LOCATE_HUNG_MS), run.job.exited.then(() => undefined)]);
		// Meanwhile the run may have ended, or somebody may have asked for its stop.
		if (this.#run !== run || this.state === "stopping" || deadline.isSet) return;
		emit({ type: "job.unresponsive", job: name, id: run.job.id, found, ...(where && { where }) });
		await this.#stopAndGoOn(run, { outcome: "unresponsive", error: { name: "LivenessError", message: found } });
	}

	/** Stops a run that was not ready in time. The run counts as failed. */
	async #giveUpStart(run: Run, waitedMs: number, detail: string): Promise<void> {
		const { name } = this.plan;
		const { emit, deadline } = this.#hooks;
		// The program's stop ends the run anyway.
		if (deadline.isSet) return;
		emit({ type: "job.startTimedOut", job: name, waitedMs, detail });
		const error = { name: "StartTimeoutError", message: `not ready after ${waitedMs} ms: ${detail}` };
		await this.#stopAndGoOn(run, { outcome: "not-ready", error });
	}

	/** Stops a run, and goes on as if it had ended by itself with `exit`. */
	async #stopAndGoOn(run: Run, exit: JobExit): Promise<void> {
		const stop = await this.#stopRun(run);
		// Meanwhile somebody may have stopped the job, or even started it again.
		if (!this.#held && this.#state.type === "ended") {
			// Beside a stuck run, and during the program's stop, no run may begin. In both cases the exit of this stop counts.
			if (stop.exit.outcome === "stuck" || this.#hooks.deadline.isSet) this.#end(stop.exit);
			else this.#next(run, exit);
		}
		this.#release(run.job);
	}

	async #stopRun(run: Run): Promise<StopOutcome> {
		run.starting.abort();
		this.endWatch();
		const { deadline, budget, emit } = this.#hooks;
		const { stopTimeout: stopTimeoutMs = budget.jobsMs } = this.plan;
		const stop = stopJob(run.job, { stopTimeoutMs, deadline, budget }, emit);
		this.#enter({ type: "stopping", run, stop });
		const { exit } = await stop;
		this.lastExit = exit;
		this.#enter({ type: "ended" });
		this.leftOver.add(run.job, exit);
		this.#hooks.onRunEnded();
		return stop;
	}

	#onExit(run: Run, exit: JobExit): void {
		run.starting.abort();
		this.endWatch();
		// stopJob() emits the exit of a run that was asked to stop.
		if (this.#state.type === "stopping") return;
		this.#hooks.emit({ type: "job.exited", job: this.plan.name, id: run.job.id, exit });
		this.leftOver.add(run.job, exit);
		this.#next(run, exit);
		// After #next(): until then the state is that of a job that runs.
		this.#hooks.onRunEnded();
		this.#release(run.job);
	}

	/**
	 * Frees what an ended run still holds. Call it last: the end of the run may have begun the program's stop, and then no
	 * thread may be torn down.
	 */
	#release(job: Job): void {
		const { emit, deadline } = this.#hooks;
		if (deadline.isSet) return;
		void this.leftOver.release(job).then((hasGone) => {
			if (!hasGone && !deadline.isSet) emit({ type: "job.leftOver", job: job.name, id: job.id });
		});
	}

	/** A run has ended by itself: completes, schedules a restart, or ends the job. */
	#next(run: Run, exit: JobExit): void {
		this.lastExit = exit;
		const { name, readiness } = this.plan;
		const { emit, deadline, starts, onReady } = this.#hooks;
		const success = isSuccess(exit);
		if (readiness === "exit" && success) {
			this.#enter({ type: "completed" });
			emit({ type: "job.ready", job: name });
			onReady();
			return;
		}
		const ms = (run.aliveUntil ?? monotonicMs()) - run.startedAt;
		const restart = planRestart(this.plan, this.#streak, { success, ms }, Math.random());
		if (!restart || deadline.isSet) {
			this.#end(exit);
			return;
		}
		const { delayMs, restarts } = restart;
		this.#streak = restart;
		this.restarts++;
		starts.addLater(this, () => void this.#beginAgain(), delayMs);
		this.#enter({ type: "backing-off" });
		emit({ type: "restart.scheduled", job: name, delayMs, restarts });
	}

	/** If no earlier run is left, the new one begins synchronously: the start queue measures how long each start takes. */
	async #beginAgain(): Promise<void> {
		const isFree = this.leftOver.isEmpty || (await this.leftOver.isFree());
		// Meanwhile somebody may have stopped the job, or even started it again.
		if (this.#state.type !== "backing-off" || this.#hooks.deadline.isSet) return;
		if (isFree) this.#begin();
		else this.endUnstarted({ outcome: "stuck" });
	}

	#end(exit: JobExit): void {
		this.lastExit = exit;
		this.#enter({ type: "ended" });
		this.#hooks.onEnded(this, exit);
	}
}
