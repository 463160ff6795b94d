/**
 * A supervisor in a simulated world: its jobs, its clock and its users are made up, and everything that it does is held against
 * what it has promised. What really happened is kept here, from the jobs' side; what the supervisor says of it are its events.
 */
import assert from "node:assert/strict";
import { planBudget } from "../../src/config/stop-timeout.ts";
import { isSuccess, type Job, type JobExit, type JobKind, type RunHooks, wasKilled } from "../../src/job/job.ts";
import { StatusSource } from "../../src/observe/status.ts";
import { exitCode } from "../../src/service/exit.ts";
import type { JobCommand } from "../../src/supervisor/commands.ts";
import type { Event, JobStop, StopReason } from "../../src/supervisor/events.ts";
import { planWatch } from "../../src/supervisor/liveness.ts";
import { LOCATE_HUNG_MS, type UnitPlan } from "../../src/supervisor/plan.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";
import { SimulatedTime } from "./simulated-time.ts";

/** What one run of a job does. Milliseconds; undefined for never. */
export interface Behaviour {
	readonly fails: boolean;
	/** How long its start blocks the main thread. */
	readonly blocksMs: number;
	readonly readyMs: number | undefined;
	readonly endMs: number | undefined;
	readonly end: JobExit;
	/** When its first process goes and leaves others behind. */
	readonly leaderMs: number | undefined;
	/** From the request to its end; 0: in the next turn. */
	readonly stopMs: number | undefined;
	readonly stopEnd: JobExit;
	readonly locateMs: number;
	/** From the kill to its end; undefined: it is stuck. */
	readonly killMs: number | undefined;
	/** From `release()` until nothing of it is left. */
	readonly goneMs: number | undefined;
	/** From its start to its last sign of life; undefined: it never hangs. */
	readonly hangMs: number | undefined;
}

export interface JobPlan {
	readonly kind: JobKind;
	readonly essential: boolean;
	/** Indexes of jobs before this one. */
	readonly dependsOn: readonly number[];
	readonly readiness: "started" | "notify" | "exit";
	readonly startTimeoutMs: number;
	readonly restart: "no" | "on-failure" | "always";
	readonly restartDelayMs: number;
	readonly maxRestarts: number | undefined;
	readonly stopTimeoutMs: number | undefined;
	/** The longest time between two signs of life; undefined: it is not watched. */
	readonly heartbeatMs: number | undefined;
	readonly exitsIfStuck: boolean;
	readonly schedule: SchedulePlan | undefined;
	/** Of each run; the last one also of all that follow. */
	readonly runs: readonly Behaviour[];
}

/** `clock`: dates are the multiples of the period on the wall clock, else from the beginning of the schedule on. */
export interface SchedulePlan {
	readonly clock: "wall" | "monotonic";
	readonly periodMs: number;
	readonly overlap: "skip" | "wait";
}

export interface WorldPlan {
	readonly stopTimeoutMs: number;
	readonly drainMs: number;
	readonly seed: number;
	readonly jobs: readonly JobPlan[];
}

/** Timers are rounded to whole milliseconds. */
const ROUNDING_MS = 5;
/** Half of the longest heartbeat. */
const LONG_FREEZE_MS = 2_000;
/** How late a run may be after its date: what its start and an earlier run hold up. */
const LATE_MS = 2_000;
/** How late if the clock was set meanwhile. */
const LOOK_MS = 60_000;
/** A clock that is set back further was wrong before. */
const SET_BACK_MS = 3 * 60 * 60 * 1_000;
/** Longer than anything that a stop waits for. */
const LONG_MS = 120_000;

export class World implements Disposable {
	readonly time: SimulatedTime;
	readonly supervisor: Supervisor;
	readonly names: readonly string[];
	/** What has happened so far, to be read when a property does not hold. */
	readonly history: string[] = [];
	readonly runs = new Map<string, Run[]>();
	/** Jobs that a user has stopped, and not restarted since. */
	readonly held = new Set<string>();
	/** Jobs that a user has ever stopped or restarted. */
	readonly commanded = new Set<string>();
	/** The end of the last freeze. */
	frozenAt = 0;
	#frozenMs = 0;
	/** The end of the last freeze that nobody can have missed. */
	#longFreezeAt = Number.NEGATIVE_INFINITY;
	/** The same in the time in which nothing was frozen. */
	#longFreezeAwakeAt = Number.NEGATIVE_INFINITY;
	readonly #plans: ReadonlyMap<string, JobPlan>;
	readonly #budget;
	readonly #status: StatusSource;
	readonly #installed: Disposable;
	readonly #pending = new Set<Promise<unknown>>();
	/** Of each job on a schedule: where it begins, by its clock, and its last date that has come. */
	readonly #dates = new Map<string, { from: number; last: number }>();
	/** The job of each start or restart by a user that has no answer yet. */
	readonly #asked: string[] = [];
	/** The highest that the wall clock has been, when it was set (or stood still) last, and whether it was ever set back. */
	#highest = 0;
	#setAt = Number.NEGATIVE_INFINITY;
	#wasSetBack = false;
	#reason: StopReason | undefined;
	#requestedAt = Number.POSITIVE_INFINITY;
	/** When the jobs' time is over. */
	#deadlineAt = Number.POSITIVE_INFINITY;
	#aliveAtRequest: Run[] = [];
	#broken: string | undefined;
	#result: { jobs: readonly JobStop[]; at: number } | undefined;

	constructor({ stopTimeoutMs, drainMs, seed, jobs }: WorldPlan) {
		this.time = new SimulatedTime(seed);
		this.#installed = this.time.install();
		this.names = jobs.map((_, index) => nameOf(index));
		this.#plans = new Map(jobs.map((job, index) => [nameOf(index), job]));
		this.#budget = planBudget(stopTimeoutMs, drainMs);
		const units = jobs.map((job, index) => this.#planUnit(nameOf(index), job));
		this.supervisor = new Supervisor(units, this.#budget, (event) => this.#hear(event));
		this.#status = new StatusSource(this.supervisor.units, stopTimeoutMs);
	}

	[Symbol.dispose](): void {
		this.#installed[Symbol.dispose]();
	}

	async start(): Promise<void> {
		void this.supervisor.run().then(({ jobs }) => {
			this.#result = { jobs, at: this.time.now };
			this.note("over");
		});
		await this.settle();
	}

	get isStopping(): boolean {
		return this.#reason !== undefined;
	}

	note(what: string): void {
		this.history.push(`${this.time.now} ${what}`);
	}

	async advance(ms: number): Promise<void> {
		await this.time.advance(ms);
		this.#look();
	}

	async settle(): Promise<void> {
		await this.time.settle();
		this.#look();
	}

	/** A user's command; it is not waited for. */
	command(command: JobCommand): void {
		const { type, job } = command;
		if (job !== undefined && type !== "signal") {
			this.commanded.add(job);
			// A job that runs is not started.
			if (type !== "start") for (const run of this.#aliveOf(job)) run.wasCommanded = true;
			if (type !== "stop") this.held.delete(job);
			else if (this.names.includes(job)) this.held.add(job);
			if (type !== "stop") this.#asked.push(job);
		}
		const answer = this.supervisor.control(command);
		this.#pending.add(answer);
		void answer.then(({ message }) => {
			this.note(message);
			if (job !== undefined && (type === "start" || type === "restart"))
				this.#asked.splice(this.#asked.indexOf(job), 1);
			const [, name] = /^Job (.*) is waiting for/.exec(message) ?? [];
			if (name !== undefined) this.#claim(this.#stateOf(name) === "waiting", message);
			this.#pending.delete(answer);
		});
	}

	/** Somebody sets the wall clock. */
	setClock(byMs: number): void {
		this.#highest = Math.max(this.#highest, Date.now());
		this.time.epoch += byMs;
		this.#setAt = this.time.now;
		this.#wasSetBack ||= byMs < 0;
		if (Date.now() >= this.#highest - SET_BACK_MS) return;
		this.#highest = Date.now();
		for (const [name, dates] of this.#dates)
			if (this.planOf(name).schedule?.clock === "wall") dates.last = Number.NEGATIVE_INFINITY;
	}

	stopNow(): void {
		this.supervisor.stopNow();
		if (this.isStopping) this.#deadlineAt = Math.min(this.#deadlineAt, this.time.now);
	}

	/** Stops what has not been stopped, and waits for the end of everything. */
	async finish(): Promise<void> {
		if (!this.isStopping) this.supervisor.requestStop(SIGTERM);
		await this.advance(LONG_MS);
		assert.ok(this.#result, "the supervisor has come to its end");
		assert.equal(this.#pending.size, 0, "every command was answered");
		this.#checkEnd(this.#result);
	}

	planOf(name: string): JobPlan {
		const plan = this.#plans.get(name);
		assert.ok(plan);
		return plan;
	}

	runsOf(name: string): Run[] {
		return this.runs.get(name) ?? [];
	}

	#planUnit(name: string, job: JobPlan): UnitPlan {
		const { kind, essential, readiness, restart, maxRestarts, schedule } = job;
		const { clock, periodMs = 0, overlap = "skip" } = schedule ?? {};
		const next = (after: number) => (Math.floor(after / periodMs) + 1) * periodMs;
		return {
			timetable: clock && (clock === "wall" ? { next } : { everyMs: periodMs }),
			overlap,
			name,
			kind,
			essential,
			dependsOn: job.dependsOn.map(nameOf),
			readiness: readiness === "started" ? undefined : readiness,
			startTimeout: job.startTimeoutMs,
			stopTimeout: job.stopTimeoutMs,
			restart,
			restartDelay: job.restartDelayMs,
			maxRestarts,
			watch: job.heartbeatMs === undefined ? undefined : planWatch({ heartbeat: job.heartbeatMs }),
			exitsIfStuck: job.exitsIfStuck,
			makeJob: (hooks) => {
				const runs = this.runsOf(name);
				const behaviour = job.runs[Math.min(runs.length, job.runs.length - 1)];
				assert.ok(behaviour);
				return new Run(this, name, kind, behaviour, hooks);
			},
		};
	}

	#hear(event: Event): void {
		this.note(`${event.type} ${"job" in event ? event.job : ""}`);
		this.#status?.observe(event);
		if (event.type === "job.leaderExited" || event.type === "job.startTimedOut" || event.type === "job.unresponsive")
			for (const run of this.#aliveOf(event.job)) {
				run.endsForItself = true;
				run.wasLate = event.type !== "job.leaderExited";
				if (event.type !== "job.unresponsive") continue;
				const silentMs = this.awakeMs - run.silentSinceAwake;
				this.#claim(silentMs >= this.#heartbeatOf(run), `a false alarm: ${event.job}`);
				const anewMs = this.time.now - this.#longFreezeAt;
				// The freeze may have come when the hang had been found, and its place was looked for.
				const wasFound = this.#longFreezeAwakeAt - run.silentSinceAwake >= this.#heartbeatOf(run);
				const hadAll = wasFound || anewMs >= this.#heartbeatOf(run);
				this.#claim(hadAll, `${event.job} has not its whole time after a freeze`);
			}
		if (event.type === "job.scheduled") {
			const { schedule } = this.planOf(event.job);
			if (!this.#dates.has(event.job)) this.#claimFree(event.job);
			const { clock, periodMs = 1 } = schedule ?? {};
			const now = this.time.now;
			const wall = Math.floor(Date.now() / periodMs) * periodMs;
			this.#dates.set(event.job, clock === "wall" ? { from: 0, last: wall } : { from: now, last: now });
		}
		if (event.type !== "stop.requested") return;
		this.#claim(!this.isStopping, "a second request counts");
		this.#reason = event.reason;
		this.#requestedAt = this.time.now;
		this.#deadlineAt = this.time.now + event.jobsMs;
		this.#aliveAtRequest = this.names.flatMap((name) => this.#aliveOf(name));
	}

	#aliveOf(name: string): Run[] {
		return this.runsOf(name).filter((run) => run.isAlive);
	}

	/** A job begins a run. */
	onStart(run: Run): void {
		const { name } = run;
		this.note(`run of ${name} begins`);
		this.#claim(!this.isStopping, `${name} starts after the request`);
		this.#claim(!this.held.has(name), `${name} starts though it was stopped`);
		const before = this.runsOf(name);
		const left = before.filter((other) => other.isThere);
		this.#claim(left.length < 2, `${name} starts beside two that have not gone`);
		for (const { isAlive, exit } of left) {
			this.#claim(!isAlive, `${name} starts beside a run of its own`);
			this.#claim(exit?.outcome !== "stuck", `${name} starts beside a stuck run`);
		}
		const { schedule, restart } = this.planOf(name);
		const [last] = before.slice(-1);
		const failed = last?.exit && (!isSuccess(last.exit) || last.wasLate);
		const isRestart = restart === "on-failure" && failed;
		if (schedule && !isRestart) this.#takeDate(name, schedule, !this.#asked.includes(name));
		if (before.length === 0 && !schedule) this.#claimFree(name);
		this.runs.set(name, [...before, run]);
	}

	#heartbeatOf({ name }: Run): number {
		return this.planOf(name).heartbeatMs ?? Number.POSITIVE_INFINITY;
	}

	/** A job is asked for a sign of life. */
	onLook({ name, state }: Run): void {
		this.#claim(!this.isStopping, `${name} is checked after the request`);
		this.#claim(state !== "stopping", `${name} is checked though it was asked to stop`);
	}

	/** The time in which nothing was frozen. */
	get awakeMs(): number {
		return this.time.now - this.#frozenMs;
	}

	/** Time goes on, and nobody runs: `docker pause`, for instance. Not in a stop, where the deadline goes on as well. */
	freeze(ms: number): void {
		if (this.isStopping) return;
		this.time.now += ms;
		this.#frozenMs += ms;
		this.frozenAt = this.time.now;
		this.#setAt = this.time.now;
		if (ms < LONG_FREEZE_MS) return;
		this.#longFreezeAt = this.time.now;
		this.#longFreezeAwakeAt = this.awakeMs;
	}

	#claimFree(name: string): void {
		for (const index of this.planOf(name).dependsOn)
			this.#claim(this.isReady(nameOf(index)), `${name} starts too early`);
	}

	/** A run begins because a date has come, which no other run has had. */
	#takeDate(name: string, { clock, periodMs, overlap }: SchedulePlan, isDue = true): void {
		const dates = this.#dates.get(name);
		this.#claim(dates !== undefined, `${name} starts though it is off its schedule`);
		if (!dates) return;
		const now = clock === "wall" ? Date.now() : this.time.now;
		const latest = dates.from + Math.floor((now - dates.from) / periodMs) * periodMs;
		// A run that waited has an earlier date, perhaps one that a clock that was set back shows as yet to come.
		// So may one that had to wait until an earlier run was gone.
		const earliest = dates.from + Math.ceil((now - LATE_MS - dates.from) / periodMs) * periodMs;
		const next = dates.last + periodMs;
		const date = Math.min(overlap === "wait" ? next : Math.max(next, earliest), latest);
		const sinceSet = this.time.now - this.#setAt;
		if (isDue && (overlap === "skip" ? sinceSet > LATE_MS : !this.#wasSetBack))
			this.#claim(date > dates.last, `${name} starts twice for one date`);
		if (isDue && overlap === "skip" && sinceSet > LOOK_MS + LATE_MS)
			this.#claim(now - date <= LATE_MS, `${name} starts ${now - date} ms late`);
		if (isDue && date > dates.last) dates.last = date;
	}

	/** A job is asked to stop. */
	onAsked(run: Run): void {
		const { name } = run;
		this.note(`run of ${name} is asked`);
		if (!this.isStopping || run.endsForItself) return;
		if (this.time.now >= this.#deadlineAt) return;
		for (const [other, { dependsOn }] of this.#plans)
			if (dependsOn.map(nameOf).includes(name))
				this.#claim(
					this.#aliveOf(other).length === 0,
					`${name} is asked while ${other}, which depends on it, is there`,
				);
	}

	/** An assertion in the middle of the supervisor's code: it must not be the one to catch it. */
	#claim(holds: boolean, what: string): void {
		if (!holds) this.#broken ??= what;
	}

	isReady(name: string): boolean {
		const run = this.runsOf(name).at(-1);
		if (!run) return false;
		if (this.#plans.get(name)?.readiness === "exit") return run.hasCompleted;
		return run.isAlive && run.state === "ready";
	}

	#stateOf(name: string): string | undefined {
		const { jobs } = this.#status.status;
		return jobs.find((job) => job.name === name)?.state;
	}

	/** The status tells what is true. */
	#look(): void {
		assert.equal(this.#broken, undefined);
		const isOver = (state = "") => state === "ended" || state === "completed";
		const mayGoOn = this.names.some((name) => this.commanded.has(name) || !isOver(this.#stateOf(name)));
		assert.ok(this.isStopping || mayGoOn, "every job has ended, and the program goes on");
		for (const { name, state, id, inStateMs, nextRun, lastExit } of this.#status.status.jobs) {
			const { schedule } = this.planOf(name);
			if (schedule && !this.isStopping) {
				const isOver = state === "completed" || (state === "ended" && !this.commanded.has(name));
				const reason = lastExit && "error" in lastExit ? lastExit.error.name : "";
				assert.ok(!isOver || reason === "DependencyError", `${name} is over, and has a schedule`);
				const { clock, periodMs } = schedule;
				const isLate = this.time.now - this.#setAt <= LATE_MS;
				if (state === "scheduled" && !isLate && (clock === "monotonic" || !this.#wasSetBack))
					assert.ok(inStateMs <= periodMs + LATE_MS, `${name} has missed its date`);
				if (state === "scheduled" && this.time.now - this.#setAt > LOOK_MS + LATE_MS)
					assert.ok((nextRun ?? 0) >= Date.now() - LATE_MS, `${name} tells no date to come`);
			}
			if (state === "ended" || state === "waiting" || !schedule) assert.equal(nextRun, undefined, `${name} has a date`);
			const [run, ...more] = this.#aliveOf(name);
			assert.equal(more.length, 0, `one run of ${name}`);
			const dependsOn = this.#plans.get(name)?.dependsOn.map(nameOf) ?? [];
			if (run) {
				const silentMs = this.time.now - Math.max(run.silentSince, this.frozenAt);
				const isFound = this.isStopping || run.state === "stopping" || silentMs < this.#longestSilence(run);
				assert.ok(isFound, `${name} hangs for ${silentMs} ms`);
				assert.equal(state, run.state, `state of ${name}`);
				assert.equal(id, run.id, `id of ${name}`);
			} else {
				const idle = ["waiting", "scheduled", "completed", "backing-off", "ended"];
				assert.ok(idle.includes(state), `${name} is ${state} without a run`);
				if (state !== "waiting" || this.isStopping) continue;
				assert.ok(!dependsOn.every((other) => this.isReady(other)), `${name} waits for nothing`);
				for (const other of dependsOn)
					assert.ok(
						this.#stateOf(other) !== "ended" || this.commanded.has(other),
						`${name} waits for ${other}, which has ended`,
					);
			}
		}
	}

	/** Until a hang is found, the place is looked for, and the job is asked to stop. */
	#longestSilence(run: Run): number {
		return this.#heartbeatOf(run) * 1.5 + LOCATE_HUNG_MS + ROUNDING_MS;
	}

	#checkEnd({ jobs, at }: { jobs: readonly JobStop[]; at: number }): void {
		const reason = this.#reason;
		assert.ok(reason);
		const { locateMs, killMs } = this.#budget;
		const latest = this.#deadlineAt + locateMs + killMs + ROUNDING_MS;
		assert.ok(at <= latest, `over at ${at}, expected by ${latest}`);
		const ends = [...this.runs.values()].flat().map(({ endedAt }) => endedAt);
		const lastEnd = Math.max(this.#requestedAt, ...ends) + ROUNDING_MS;
		assert.ok(at <= lastEnd, `over at ${at}, expected by ${lastEnd}: no run was left`);
		for (const runs of this.runs.values())
			for (const { name, exit } of runs) assert.ok(exit, `${name} was joined, or given up`);
		const reported = exitCode(reason, jobs, { stragglersForced: false, hadErrors: reason.type === "error" });
		assert.equal(reported, this.#expectedCode(reason), "exit code");
	}

	#lastExitOf(name: string): JobExit | undefined {
		const jobs = this.#status.status.jobs;
		const exit = jobs.find((job) => job.name === name)?.lastExit;
		const run = this.runsOf(name).at(-1);
		// That it was not ready is why it ended.
		const isCause = run && exit === run.exit && run.wasLate;
		return isCause && exit?.outcome !== "stuck" ? LATE : exit;
	}

	/** From what has happened to the runs alone. */
	#expectedCode(reason: StopReason): number {
		const exits =
			reason.type === "idle"
				? this.names.flatMap((name) => this.#lastExitOf(name) ?? [])
				: this.#aliveAtRequest.flatMap((run) => run.exit ?? []);
		if (reason.type === "job") exits.push(reason.exit);
		if (exits.some(wasKilled)) return 124;
		if (reason.type === "error") return 1;
		if (reason.type === "job" && !isSuccess(reason.exit)) {
			const { exit } = reason;
			if (exit.outcome === "exited") return exit.code;
			if (exit.outcome === "signaled") return 128 + 9;
		}
		return exits.every(isSuccess) ? 0 : 1;
	}
}

export const SIGTERM: StopReason = { type: "signal", signal: "SIGTERM", number: 15, early: false };

const LATE: JobExit = { outcome: "not-ready", error: { name: "Error", message: "not ready" } };

let ids = 0;

/** One run of a job that is made up. */
export class Run implements Job {
	readonly name: string;
	readonly #world: World;
	readonly #kind: JobKind;
	readonly #behaviour: Behaviour;
	readonly #hooks: RunHooks;
	readonly #ended = Promise.withResolvers<JobExit>();
	readonly #left = Promise.withResolvers<void>();
	readonly exited = this.#ended.promise;
	readonly gone = this.#left.promise;
	id = 0;
	exit: JobExit | undefined;
	endedAt = 0;
	isReady = false;
	#watchedSince = Number.POSITIVE_INFINITY;
	#hangsSince = Number.POSITIVE_INFINITY;
	/** As `silentSince`, in the time in which nothing was frozen. */
	silentSinceAwake = 0;
	#lookedAt = Number.NEGATIVE_INFINITY;
	/** It is stopped for a reason of its own: it was not ready in time, or its first process has gone. */
	endsForItself = false;
	/** A user has stopped or restarted the job during this run. */
	wasCommanded = false;
	/** It was not ready in time. */
	wasLate = false;
	#asked = false;
	#killed = false;
	/** How its first process has ended, which left others behind. */
	#leaderEnd: JobExit | undefined;
	/** Whether something of it is left. */
	isThere = true;

	constructor(world: World, name: string, kind: JobKind, behaviour: Behaviour, hooks: RunHooks) {
		this.#world = world;
		this.name = name;
		this.#kind = kind;
		this.#behaviour = behaviour;
		this.#hooks = hooks;
	}

	get isAlive(): boolean {
		return this.exit === undefined;
	}

	/** It has ended well by itself. */
	get hasCompleted(): boolean {
		if (!this.exit || !isSuccess(this.exit) || this.wasLate) return false;
		return !this.#asked || (this.endsForItself && !this.wasCommanded);
	}

	get state(): "starting" | "ready" | "stopping" {
		if (this.#asked) return "stopping";
		return this.isReady ? "ready" : "starting";
	}

	start(): void {
		this.#world.onStart(this);
		const { fails, blocksMs, readyMs, endMs, end, leaderMs, hangMs } = this.#behaviour;
		this.#world.time.now += blocksMs;
		if (fails) {
			const error = { name: "Error", message: "could not start" };
			this.#end({ outcome: "not-started", error });
			this.#leave();
			return;
		}
		this.id = ++ids;
		const { readiness } = this.#world.planOf(this.name);
		if (readiness === "started") this.isReady = true;
		if (readiness !== "notify") this.#watchedSince = this.#world.time.now;
		this.silentSinceAwake = this.#world.awakeMs;
		this.#after(hangMs, () => {
			this.#hangsSince = this.#world.time.now;
			this.silentSinceAwake = this.#world.awakeMs;
		});
		this.#after(readyMs, () => {
			if (!this.isAlive) return;
			if (readiness === "notify" && !this.#asked && !this.isReady) {
				this.isReady = true;
				this.#watchedSince = this.#world.time.now;
				this.silentSinceAwake = this.#world.awakeMs;
			}
			this.#hooks.onReady();
		});
		this.#after(endMs, () => this.#end(end));
		if (this.#kind === "process")
			this.#after(leaderMs, () => {
				if (!this.isAlive || this.#asked) return;
				this.#leaderEnd = end;
				this.#hooks.onLeaderGone(end, []);
			});
	}

	/** A job that does not hang shows a sign of life all the time, but not while everything is frozen. */
	hasShownLife(): boolean {
		this.#world.onLook(this);
		const { time, frozenAt } = this.#world;
		const hadTurn = time.now > frozenAt || this.#lookedAt === time.now;
		const hasShown = hadTurn && this.#hangsSince > this.#lookedAt;
		this.#lookedAt = time.now;
		return hasShown;
	}

	/** Since when it is watched and hangs; infinitely late if it does not. */
	get silentSince(): number {
		return Math.max(this.#watchedSince, this.#hangsSince);
	}

	requestStop(): void {
		this.#asked = true;
		this.#world.onAsked(this);
		const { stopMs, stopEnd } = this.#behaviour;
		this.#after(stopMs, () => this.#end(stopEnd));
	}

	signal(): boolean {
		return this.#kind === "process" && this.isAlive;
	}

	giveWay(): void {}

	async locate(ms: number): Promise<undefined> {
		const { locateMs } = this.#behaviour;
		await new Promise((resolve) => setTimeout(resolve, Math.min(ms, locateMs)));
	}

	kill(): boolean {
		if (!this.isAlive) return false;
		this.#killed = true;
		this.#after(this.#behaviour.killMs, () => {
			this.#end({ outcome: "killed" });
			this.#leave();
		});
		return true;
	}

	giveUp(): void {
		this.#end({ outcome: "stuck" });
	}

	release(): void {
		if (this.exit?.outcome !== "stuck") this.#after(this.#behaviour.goneMs, () => this.#leave());
	}

	#leave(): void {
		this.isThere = false;
		this.#left.resolve();
	}

	#end(exit: JobExit): void {
		if (!this.isAlive) return;
		this.exit = exit.outcome === "stuck" ? exit : this.#ownEnd(exit);
		this.#world.note(`run of ${this.name} ends: ${this.exit.outcome}`);
		this.endedAt = this.#world.time.now;
		this.#ended.resolve(this.exit);
	}

	/** Of a first process that ended by itself the outcome stays its own. */
	#ownEnd(exit: JobExit): JobExit {
		if (this.#leaderEnd) return this.#leaderEnd;
		return this.#killed ? { outcome: "killed" } : exit;
	}

	#after(ms: number | undefined, action: () => void): void {
		// Whatever a job does, it does after the call that made it do so.
		if (ms === 0) setImmediate(action);
		else if (ms !== undefined) setTimeout(action, ms);
	}
}

function nameOf(index: number): string {
	return `job${index}`;
}
