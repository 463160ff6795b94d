/**
 * A unit: one job through all its runs. It starts the job, learns when the job is ready, restarts it and stops it.
 *
 * Two facts are kept apart: `#state` is what the job does now, `#held` is whether a user or the program has stopped it.
 * A scheduled job is `scheduled` between its runs; the restarts of a failed run belong to that run.
 *
 * Invariants:
 * - A job has at most one run at a time. The next run begins after the exit of the run before. `LeftOver` in stop.ts
 *   says what of the earlier run may still be there.
 * - A readiness probe and a start timeout end as soon as the run is ready, exits, or is stopped. A scheduled restart is
 *   dropped when the job is stopped. None of them delays a stop.
 * - A second stop request joins the first one.
 * - Liveness is checked while the run is ready (or is a one-shot), and not after its stop, or the program's, was requested.
 * - A scheduled job that is on its schedule is never over, unless it is essential and a run of it has failed for good.
 */
import { monotonicMs } from "../base/time.ts";
import { isSuccess, type Job, type JobExit } from "../job/job.ts";
import { pollUntilReady } from "../job/readiness.ts";
import { LOCATE_HUNG_MS, START_TIMEOUT_MS, type UnitHooks, type UnitPlan } from "./plan.ts";
import { Schedule } from "./schedule.ts";
import { planRestart, type Streak } from "./starts.ts";
import { LeftOver, type StopOutcome, stopJob } from "./stop.ts";

interface Run {
	readonly job: Job;
	readonly startedAt: number;
	/** Aborted when the start is over: the job is ready, has exited, or is asked to stop. */
	readonly starting: AbortController;
	/** When a run that hangs was last known to be well. */
	aliveUntil?: number;
}

type State =
	/**
	 * `waiting`: for the jobs it depends on. `scheduled`: for its next date. `completed`: its readiness is `exit`, and it
	 * has ended well.
	 */
	| Readonly<{ type: "waiting" | "scheduled" | "completed" | "backing-off" | "ended" }>
	| Readonly<{ type: "starting" | "ready"; run: Run }>
	| Readonly<{ type: "stopping"; run: Run; stop: Promise<StopOutcome> }>;

export type JobState = State["type"];

export class Unit {
	readonly plan: UnitPlan;
	readonly leftOver = new LeftOver();
	/** When the present state began, by the monotonic clock. Only this class writes this field and the next three. */
	since = monotonicMs();
	/** When the last run began, by the same clock. */
	begunAt: number | undefined;
	/** How often the job has been restarted since the program started. */
	restarts = 0;
	/** Whether the run answers: `false` from the failed checks to the next run, `undefined` where nothing is checked. */
	isAlive: boolean | undefined;
	/** How the last run ended, if one has. */
	lastExit: JobExit | undefined;
	readonly #hooks: UnitHooks<Unit>;
	#state: State = { type: "waiting" };
	#held = false;
	#streak: Streak = { restarts: 0, failures: 0 };
	#endWatch = () => {};
	readonly #schedule: Schedule | undefined;

	constructor(plan: UnitPlan, hooks: UnitHooks<Unit>) {
		this.plan = plan;
		this.#hooks = hooks;
		const { name: job, timetable, overlap } = plan;
		const isFree = () => this.state === "scheduled";
		const begin = () => void this.#beginAgain();
		if (timetable) this.#schedule = new Schedule({ job, timetable, overlap }, hooks, { isFree, begin });
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
		return this.state === "ready" || this.state === "completed" || this.state === "scheduled";
	}

	/** The next date of the schedule, in milliseconds since the epoch. */
	get nextDate(): number | undefined {
		return this.#schedule?.next;
	}

	get #run(): Run | undefined {
		return "run" in this.#state ? this.#state.run : undefined;
	}

	/** The jobs that this one depends on are ready: begins a run, or puts the job on its schedule. */
	enter(): void {
		if (!this.#schedule) this.start();
		else {
			this.#schedule.begin();
			this.#awaitDate(this.#schedule);
		}
	}

	/** Begins a run, unless there is one. Never throws: a failure is an exit. */
	start(): void {
		if (this.isRunning) return;
		this.#forgetPast();
		this.#schedule?.begin();
		this.#begin();
	}

	/** Lets the job start when the jobs it depends on are ready, unless it runs. */
	wait(): void {
		if (this.isRunning) return;
		this.#schedule?.end();
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
		this.#schedule?.end();
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

	#awaitDate(schedule: Schedule): void {
		this.#forgetPast();
		this.#enter({ type: "scheduled" });
		// A date may have come during the last run.
		if (schedule.takeDate()) this.#hooks.starts.add(this, () => void this.#beginAgain());
	}

	#enter(state: State): void {
		this.#state = state;
		this.since = monotonicMs();
	}

	#begin(): void {
		const { makeJob, kind, readiness } = this.plan;
		const { emit, starts } = this.#hooks;
		starts.remove(this);
		const job = makeJob({
			onReady: () => {
				if (readiness === "notify") this.#onReady(run);
			},
			onLeaderGone: (exit, rest) => {
				emit({ type: "job.leaderExited", job: job.name, id: job.id, exit, rest });
				// The rest of its group ends before the next run begins.
				void this.#stopAndGoOn(run, exit);
			},
		});
		const run: Run = { job, startedAt: monotonicMs(), starting: new AbortController() };
		this.isAlive = undefined;
		this.begunAt = run.startedAt;
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
		const { kind, readiness = "started" } = this.plan;
		const { startTimeout = readiness === "exit" ? Number.POSITIVE_INFINITY : START_TIMEOUT_MS } = this.plan;
		const { signal } = run.starting;
		let detail = `no sign of readiness (${typeof readiness === "string" ? readiness : Object.keys(readiness)})`;
		if (readiness === "notify")
			detail =
				kind === "thread"
					? "it has not called ready()"
					: "no READY=1 at NOTIFY_SOCKET, which only the user of the init can reach";
		if (typeof readiness === "object")
			void pollUntilReady(readiness, signal, (message) => {
				detail = message;
			}).then(() => this.#onReady(run));
		if (!Number.isFinite(startTimeout)) return;
		const timer = setTimeout(() => void this.#giveUpStart(run, startTimeout, detail), startTimeout);
		signal.addEventListener("abort", () => clearTimeout(timer));
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
		// Of a scheduled job a run counts as healthy only if it succeeds: else an hourly job that fails after a minute would
		// be restarted without end.
		const ms = this.#schedule ? 0 : (run.aliveUntil ?? monotonicMs()) - run.startedAt;
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
		const state = this.#state;
		const isFree = this.leftOver.isEmpty || (await this.leftOver.isFree());
		// Meanwhile somebody may have stopped the job, or even started it again.
		if (this.#state !== state || this.isRunning || this.#hooks.deadline.isSet) return;
		if (isFree) this.#begin();
		else this.endUnstarted({ outcome: "stuck" });
	}

	#end(exit: JobExit): void {
		this.lastExit = exit;
		const { essential, exitsIfStuck } = this.plan;
		const endsAll = (essential && !isSuccess(exit)) || (exitsIfStuck && exit.outcome === "stuck");
		const goesOn = !this.#hooks.deadline.isSet && !endsAll;
		if (this.#schedule?.isOn && goesOn) this.#awaitDate(this.#schedule);
		else {
			this.#schedule?.end();
			this.#enter({ type: "ended" });
			this.#hooks.onEnded(this, exit);
		}
	}
}
