/**
 * A job that is a process group. execa starts the leader, and node:child_process sends it the signals.
 *
 * Wrappers such as `npm start` and `sh -c` die of the stop signal at once and leave the real program behind. So the job
 * has ended when no process of its group is alive; its outcome is the leader's. The leader also leads a session: a
 * terminal's Ctrl-C reaches it only as its stop signal. A process that leaves the group is a straggler. The leader of a
 * session cannot leave its group.
 *
 * Invariants:
 * - `exited` settles exactly once, with the first of: the end of the group, a start that failed, or `giveUp()`.
 * - The leader is signalled by its pid only before Node.js emits its `exit`: until then the pid is ours (libuv reaps it
 *   in the same turn), later the kernel may reuse the pid. The group is signalled under the conditions of
 *   os/processes/processes.ts.
 * - All output of the group is handed on before `exited` settles, unless the reader stalls. That wait is bounded: a
 *   process that has left the group may hold the pipes open.
 */
import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { attempt, type ErrorInfo, errorInfo } from "../base/errors.ts";
import type { ProcessSettings } from "../config/schema.ts";
import { readKernelState, watchDeathSignal } from "../os/processes/kernel-state.ts";
import { preferForOom } from "../os/processes/memory.ts";
import * as processes from "../os/processes/processes.ts";
import { signalNumber } from "../os/signals/names.ts";
import { type NotifySocket, openNotifySocket } from "../os/sockets/notify-socket.ts";
import { explainFailure, startLeader } from "../os/spawn/execa.ts";
import { Pulse } from "./heartbeat.ts";
import type { Job, JobExit, JobHooks, Whereabouts } from "./job.ts";
import { LineLog } from "./line-log.ts";
import type { LineFormat } from "./line-records.ts";
import { type Assignment, encodeAssignment, ProcessChannel } from "./process-channel.ts";
import { flagVariables, ProcessFlag, withoutFlag } from "./process-flag.ts";
import { CHANNEL_ENV, readChannel, runsNode } from "./readiness.ts";

/**
 * `env`: the whole environment, without NOTIFY_SOCKET and the variables of Node.js's channel and of the flag: the job
 * sets these itself. `assignment`: for the process of a job function. `lines`: how the job's output lines are printed;
 * undefined if the job writes to the init's own standard output and error.
 */
type ProcessSpec = Pick<
	ProcessSettings,
	"command" | "cwd" | "stopSignal" | "successExitCodes" | "readiness" | "liveness"
> &
	Readonly<{
		name: string;
		env: NodeJS.ProcessEnv;
		flag?: boolean | undefined;
		assignment?: Assignment;
		lines?: LineFormat | undefined;
	}>;

/** The first descriptor after standard input, output and error. */
const FIRST_DESCRIPTOR = 3;

/** Late jobs share a listing of all processes up to this age: a hundred may be late at once, when time is short. */
const LATE_TOGETHER_MS = 200;

/** The time between two looks for a heartbeat: a tenth of the time that the job has, but at most this many ms. */
const HEARTBEAT_SHARE = 10;
const HEARTBEAT_POLL_MAX_MS = 1_000;

export class ProcessJob implements Job {
	readonly name: string;
	id = 0;
	readonly #exited = Promise.withResolvers<JobExit>();
	readonly exited = this.#exited.promise;
	readonly #gone = Promise.withResolvers<void>();
	/** Settles when no process of the group is alive. `exited` also waits for the output. */
	readonly gone = this.#gone.promise;
	readonly #spec: ProcessSpec;
	readonly #hooks: JobHooks;
	readonly #logs: LineLog[] = [];
	/** Undefined before the start, after the end, and for a process that has no flag. */
	#flag: ProcessFlag | undefined;
	#channel: ProcessChannel | undefined;
	/** Only for a function with a heartbeat. */
	#pulse: Pulse | undefined;
	/** The leader. Undefined before the start, and after its exit. */
	#child: ChildProcess | undefined;
	/** Whether the leader has gone and other processes of its group are alive. */
	#hasRest = false;
	/** Open until the job has ended; without a heartbeat only until the job is ready. */
	#notifySocket: NotifySocket | undefined;
	#hasBeaten = false;
	#stopRequested = false;
	/** Whether the stop was requested before the leader ended. */
	#stopRequestedFirst = false;
	#killed = false;
	/** The leader's exit. It is known before the rest of the group has gone, and before all output is read. */
	#exit: JobExit | undefined;

	constructor(spec: ProcessSpec, hooks: JobHooks) {
		this.name = spec.name;
		this.#spec = spec;
		this.#hooks = hooks;
	}

	start(): void {
		const { command, cwd = process.cwd(), lines, readiness, liveness, assignment, flag } = this.#spec;
		const notify = readiness === "notify" && !assignment;
		// A function's heartbeat is in the memory of its flag.
		const heartbeat = assignment ? undefined : liveness?.heartbeat;
		// The init's own variables of this kind, if it has any, are not for its jobs.
		const { NOTIFY_SOCKET: _, WATCHDOG_USEC: __, WATCHDOG_PID: ___, ...env } = withoutFlag(this.#spec.env);
		try {
			const encoded = assignment && encodeAssignment(assignment);
			if (notify || heartbeat) this.#notifySocket = openNotifySocket((line) => this.#hear(line));
			if (this.#notifySocket) env.NOTIFY_SOCKET = this.#notifySocket.path;
			if (this.#notifySocket && heartbeat) env.WATCHDOG_USEC = String(heartbeat * 1_000);
			if (!notify) this.#listenLess();
			const hasNodeChannel = notify && runsNode(command, { cwd, path: env.PATH });
			if (hasNodeChannel) Object.assign(env, CHANNEL_ENV);
			const channel = hasNodeChannel || assignment ? (["pipe"] as const) : [];
			if (assignment || flag) this.#flag = ProcessFlag.create();
			if (this.#flag && assignment && liveness?.heartbeat)
				this.#pulse = new Pulse(this.#flag.words, liveness.explicit === true, () => this.#flag?.poke());
			if (this.#flag) Object.assign(env, flagVariables(FIRST_DESCRIPTOR + channel.length));
			const descriptors = [...channel, ...(this.#flag?.descriptors ?? [])];
			const leader = startLeader({ command, cwd, hasPipes: lines !== undefined }, env, descriptors);
			const { nodeChildProcess: child } = leader;
			if (child.pid === undefined) {
				void leader.then((result) => this.#fail(explainFailure(result)));
				return;
			}
			this.#child = child;
			this.id = child.pid;
			preferForOom(child.pid);
			// Node.js emits it if we may not signal the leader, which now runs as another user. Without a listener it throws.
			child.on("error", () => {});
			const deathSignal = watchDeathSignal(child.pid);
			child.once("exit", (code, signal) => {
				// Node.js has no name for a real-time signal: it reports exit code 0 and no signal.
				const signalOfKernel = attempt(deathSignal);
				void this.#onExit(code ?? 0, signal ?? signalOfKernel);
			});
			this.#flag?.started(child.stdio.at(-1) as Duplex);
			const socket = child.stdio[FIRST_DESCRIPTOR] as Duplex;
			if (encoded) {
				this.#channel = new ProcessChannel(socket, encoded, this.#hooks);
				this.#logs.push(this.#channel);
			} else if (hasNodeChannel) readChannel(socket, () => this.#onReady());
			for (const name of ["stdout", "stderr"] as const) {
				const pipe = child[name];
				if (pipe && lines) this.#logs.push(new LineLog(pipe, name, lines, this.#hooks));
			}
		} catch (error) {
			this.#fail(errorInfo(error));
		}
	}

	requestStop(): void {
		this.#stopRequested = true;
		// A leader that has mapped its flag needs no signal, which could end it in the middle of its clean-up. The rest of
		// the group does not know the flag.
		const seesFlag = this.#flag?.raise() && !this.#hasRest;
		// A process that waits in write(2) for a stalled reader could not stop.
		for (const log of this.#logs) log.neverWait();
		// SIGCONT: a process that SIGSTOP has stopped cannot act on the request until it runs again.
		for (const signal of seesFlag ? (["SIGCONT"] as const) : ([this.#spec.stopSignal, "SIGCONT"] as const))
			if (this.#hasRest) processes.signalGroup(this.id, signal);
			else this.signal(signal);
	}

	signal(signal: NodeJS.Signals): boolean {
		// Node.js throws if kill(2) is not implemented: under a seccomp profile, for instance.
		return attempt(() => this.#child?.kill(signal)) ?? false;
	}

	giveWay(): void {
		// Only the leader: a listing of the whole group may take too long now.
		if (this.#child) processes.giveWay(this.id);
	}

	hasShownLife(): boolean {
		// A function that waits for the reader of its log cannot beat. 0: we do not know how long its event loop waited.
		if (this.#pulse) return this.#pulse.look(0) || this.#channel?.isWaiting === true;
		const hasBeaten = this.#hasBeaten;
		this.#hasBeaten = false;
		// Without the socket we can hear no heartbeat, so the job counts as alive.
		return hasBeaten || !this.#notifySocket;
	}

	async locate(): Promise<Whereabouts | undefined> {
		if (!(this.#child || this.#hasRest) || !processes.isOurProc()) return undefined;
		const group = processes.nameGroup(this.id, LATE_TOGETHER_MS);
		const leader = group.find(({ pid }) => pid === this.id);
		// The list has only the first members of the group: the leader may not be among them.
		const late = leader ?? (this.#child && processes.readProcess(this.id)) ?? group[0];
		const kernel = late && readKernelState(String(late.pid));
		if (!kernel) return undefined;
		const { pid, command } = late;
		return { type: "process", pid, command, others: group.filter((member) => member.pid !== pid), ...kernel };
	}

	kill(): boolean {
		if (this.#hasRest) {
			processes.signalGroup(this.id, "SIGKILL");
			// A leader that ended before the stop was requested keeps its own outcome.
			if (this.#stopRequestedFirst) this.#exit = { outcome: "killed" };
			return true;
		}
		if (!this.#child) return false;
		this.#killed = true;
		// The leader is still in this group: a session's leader cannot leave it.
		processes.send(-this.id, "SIGKILL");
		return true;
	}

	giveUp(): void {
		this.#end(this.#hasRest || !this.#exit ? { outcome: "stuck" } : this.#exit);
	}

	/** An ended process holds nothing of ours. */
	release(): void {}

	#hear(line: string): void {
		if (line === "WATCHDOG=1") this.#hasBeaten = true;
		else if (line === "READY=1" && this.#spec.readiness === "notify") this.#onReady();
	}

	#onReady(): void {
		this.#listenLess();
		this.#hooks.onReady();
	}

	/** From now on only a heartbeat can come: poll less often, or close the socket if the job has no heartbeat. */
	#listenLess(): void {
		const { liveness: { heartbeat } = {} } = this.#spec;
		if (heartbeat) this.#notifySocket?.pollEvery(Math.min(heartbeat / HEARTBEAT_SHARE, HEARTBEAT_POLL_MAX_MS));
		else {
			this.#notifySocket?.close();
			this.#notifySocket = undefined;
		}
	}

	/** No process was started: there is no such program, or the limit of processes is reached. */
	#fail(error: ErrorInfo): void {
		this.#notifySocket?.close();
		this.#closeFlag();
		this.#gone.resolve();
		this.#exited.resolve({ outcome: "not-started", error });
	}

	async #onExit(code: number, signal: string | undefined): Promise<void> {
		this.#child = undefined;
		this.#exit = this.#exitOf(code, signal);
		this.#notifySocket?.close();
		this.#hasRest = processes.isGroupAlive(this.id);
		this.#stopRequestedFirst = this.#stopRequested;
		if (this.#channel) {
			// The process's report of its end may still be in the socket. If a kill comes during the wait, its outcome stays.
			await this.#channel.drained();
			this.#exit = this.#channel.describe(this.#exit);
		}
		if (this.#hasRest && processes.isGroupAlive(this.id)) await this.#endRest(this.#exit);
		this.#hasRest = false;
		this.#gone.resolve();
		await Promise.all(this.#logs.map((log) => log.drained()));
		this.#end(this.#exit);
	}

	/** The leader has gone, others have not. They are asked to stop, as the leader was; else the job's stop begins. */
	async #endRest(exit: JobExit): Promise<void> {
		if (this.#stopRequested) this.requestStop();
		else this.#hooks.onLeaderGone(exit, processes.nameGroup(this.id));
		await processes.groupGone(this.id);
	}

	#closeFlag(): void {
		// A later look would read memory that may no longer be mapped.
		this.#pulse = undefined;
		this.#flag?.close();
		this.#flag = undefined;
	}

	#end(exit: JobExit): void {
		// splice(): a loss is reported only once, even if giveUp() follows the end of a killed job.
		const dropped = this.#logs.splice(0).reduce((sum, log) => sum + log.dropped, 0);
		if (dropped > 0) this.#hooks.onDropped(dropped);
		this.#closeFlag();
		this.#exited.resolve(exit);
	}

	#exitOf(code: number, signal: string | undefined): JobExit {
		const { stopSignal, successExitCodes } = this.#spec;
		const stopNumber = signalNumber(stopSignal);
		if (signal !== undefined) {
			if (this.#killed && signal === "SIGKILL") return { outcome: "killed" };
			// Compares numbers: some signals have two names.
			const expected = this.#stopRequested && signalNumber(signal) === stopNumber;
			return { outcome: "signaled", signal, ...(expected && { expected }) };
		}
		// Shells and many runtimes report their end by a signal as exit code 128 + the signal's number.
		const isStopCode = this.#stopRequested && code === 128 + stopNumber;
		const expected = code !== 0 && (isStopCode || successExitCodes.includes(code));
		return { outcome: "exited", code, ...(expected && { expected }) };
	}
}
