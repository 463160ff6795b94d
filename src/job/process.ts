/**
 * A job that is a process group: execa starts its leader, node:child_process carries the signals to it.
 *
 * `npm start`, `sh -c` and their like die of the stop signal at once and leave the real program behind. So the job has ended
 * when nobody of its group is alive; its outcome is the leader's. The leader leads a session, too: a terminal's Ctrl-C reaches
 * it through its stop signal only. Whoever has left the group is a straggler.
 *
 * Invariants:
 * - `exited` settles exactly once, with the first of: the end of the group, a start that failed, or `giveUp()`.
 * - The leader is signalled by its pid only before its `exit` was seen: until then the pid is ours (libuv collects it in the
 *   same turn), later it could be somebody else's. The group is signalled under the conditions of os/processes/process-group.ts.
 * - What the group wrote is handed on before `exited` settles, unless the reader stalls. The wait for that has a bound: whoever
 *   has left the group may hold its pipes open.
 */
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { ExecaError } from "execa";
import { type ErrorInfo, errorInfo } from "../base/errors.ts";
import { loadPackage } from "../base/packages.ts";
import { hideStreams } from "../os/output/stderr.ts";
import { readKernelState, watchDeathSignal } from "../os/processes/kernel-state.ts";
import { preferForOom } from "../os/processes/memory.ts";
import {
	giveWay,
	groupGone,
	isGroupAlive,
	isOurProc,
	nameGroup,
	readProcess,
	signalGroup,
} from "../os/processes/processes.ts";
import { signalNumber } from "../os/signals/names.ts";
import { type NotifySocket, openNotifySocket } from "../os/sockets/notify-socket.ts";
import type { Job, JobExit, JobHooks, Whereabouts } from "./job.ts";
import { LineLog } from "./line-log.ts";
import { CHANNEL_ENV, readChannel, runsNode } from "./readiness.ts";

export interface ProcessSpec {
	readonly name: string;
	/** Program and arguments; no shell is involved. */
	readonly command: readonly string[];
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	readonly stopSignal: NodeJS.Signals;
	/** Exit codes beside 0 that count as success. */
	readonly successExitCodes: readonly number[];
	readonly output: "inherit" | "log";
	/** Whether it will say that it is ready. */
	readonly notify: boolean;
}

/** A hundred jobs may be late together, and leave us little processor time: they share one listing of all processes. */
const LATE_TOGETHER_MS = 200;

export class ProcessJob implements Job {
	readonly name: string;
	readonly #ended = Promise.withResolvers<JobExit>();
	readonly #left = Promise.withResolvers<void>();
	readonly exited = this.#ended.promise;
	readonly gone = this.#left.promise;
	readonly #spec: ProcessSpec;
	readonly #hooks: JobHooks;
	readonly #logs: LineLog[] = [];
	/** The leader. Undefined before the start, and after its exit. */
	#child: ChildProcess | undefined;
	/** Whether the leader has gone, and others of its group have not. */
	#hasRest = false;
	/** Open until it is ready, or has ended. */
	#notifySocket: NotifySocket | undefined;
	#id = 0;
	#asked = false;
	/** Whether it was asked before the leader's end. */
	#wasAskedFirst = false;
	#killed = false;
	/** The leader's. Known before the others of the group have gone, and before their last output is. */
	#exit: JobExit | undefined;

	constructor(spec: ProcessSpec, hooks: JobHooks) {
		this.name = spec.name;
		this.#spec = spec;
		this.#hooks = hooks;
	}

	get id(): number {
		return this.#id;
	}

	start(): void {
		const { command, cwd, output, notify } = this.#spec;
		// Ours, if we have one, is not for our jobs.
		const { NOTIFY_SOCKET: _, ...env } = this.#spec.env;
		try {
			if (notify) {
				this.#notifySocket = openNotifySocket(() => this.#onReady());
				if (this.#notifySocket) env.NOTIFY_SOCKET = this.#notifySocket.path;
			}
			const hasChannel = notify && runsNode(command, { cwd, path: env.PATH });
			const { child, failed } = startLeader(command, {
				env: { ...env, ...(hasChannel && CHANNEL_ENV) },
				cwd,
				output: output === "log" ? "pipe" : "inherit",
				hasChannel,
			});
			void failed?.then((error) => this.#fail(error));
			if (child.pid === undefined) return;
			this.#child = child;
			this.#id = child.pid;
			preferForOom(child.pid);
			// A signal could not be sent: another user's. What comes of it shows.
			child.on("error", () => {});
			const deathSignal = watchDeathSignal(child.pid);
			child.once("exit", (code, signal) => {
				const unknown = deathSignal();
				void this.#onExit(code, signal ?? unknown);
			});
			if (hasChannel) readChannel(child.stdio[3] as Readable, () => this.#onReady());
			for (const name of ["stdout", "stderr"] as const) {
				const pipe = child[name];
				if (pipe) this.#logs.push(new LineLog(pipe, this.name, name, this.#hooks));
			}
		} catch (error) {
			this.#fail(errorInfo(error));
		}
	}

	requestStop(): void {
		this.#asked = true;
		for (const log of this.#logs) log.neverWait();
		// A stopped process acts on the stop signal only once it runs again.
		for (const signal of [this.#spec.stopSignal, "SIGCONT"] as const) {
			if (this.#hasRest) signalGroup(this.#id, signal);
			else this.signal(signal);
		}
	}

	signal(signal: NodeJS.Signals): boolean {
		try {
			return this.#child?.kill(signal) ?? false;
		} catch {
			// Not permitted: it has changed its user.
			return false;
		}
	}

	giveWay(): void {
		// One call for all of them: at this moment a listing of them may take too long.
		if (this.#child || this.#hasRest) giveWay(this.#id);
	}

	async locate(): Promise<Whereabouts | undefined> {
		if (!(this.#child || this.#hasRest) || !isOurProc()) return undefined;
		const group = nameGroup(this.#id, LATE_TOGETHER_MS);
		const leader = group.find(({ pid }) => pid === this.#id);
		// It may have left its group.
		const late = leader ?? (this.#child && readProcess(this.#id)) ?? group[0];
		const kernel = late && readKernelState(String(late.pid));
		if (!kernel) return undefined;
		const { pid, command } = late;
		const others = group.filter((member) => member.pid !== pid);
		return { type: "process", pid, command, others, ...kernel };
	}

	kill(): boolean {
		if (this.#hasRest) {
			signalGroup(this.#id, "SIGKILL");
			// Of a leader that ended by itself the outcome stays its own.
			if (this.#wasAskedFirst) this.#exit = { outcome: "killed" };
			return true;
		}
		if (!this.#child) return false;
		this.#killed = true;
		try {
			process.kill(-this.#id, "SIGKILL");
		} catch {
			// It has left for another group or user. What it left behind is a straggler.
			this.signal("SIGKILL");
		}
		return true;
	}

	giveUp(): void {
		this.#tellDropped();
		this.#ended.resolve(this.#hasRest || !this.#exit ? { outcome: "stuck" } : this.#exit);
	}

	/** It holds nothing of ours. */
	release(): void {}

	#onReady(): void {
		this.#notifySocket?.close();
		this.#notifySocket = undefined;
		this.#hooks.onReady();
	}

	/** No process was made: no such program, or the limit of processes is reached. */
	#fail(error: ErrorInfo): void {
		this.#notifySocket?.close();
		this.#left.resolve();
		this.#ended.resolve({ outcome: "not-started", error });
	}

	async #onExit(code: number | null, signal: string | undefined): Promise<void> {
		this.#child = undefined;
		this.#exit = this.#exitOf(code, signal);
		this.#notifySocket?.close();
		if (isGroupAlive(this.#id)) await this.#endRest(this.#exit);
		this.#left.resolve();
		await Promise.all(this.#logs.map((log) => log.drained()));
		this.#tellDropped();
		this.#ended.resolve(this.#exit);
	}

	/** The leader has gone, and others are left: they are asked as it was, or the job's stop begins with them. */
	async #endRest(exit: JobExit): Promise<void> {
		this.#hasRest = true;
		this.#wasAskedFirst = this.#asked;
		if (this.#asked) this.requestStop();
		else this.#hooks.onLeaderGone(exit, nameGroup(this.#id));
		await groupGone(this.#id);
		this.#hasRest = false;
	}

	#tellDropped(): void {
		const dropped = this.#logs.reduce((sum, log) => sum + log.dropped, 0);
		if (dropped > 0) this.#hooks.onDropped(dropped);
	}

	#exitOf(code: number | null, signal: string | undefined): JobExit {
		const { stopSignal, successExitCodes } = this.#spec;
		if (signal !== undefined) {
			if (this.#killed && signal === "SIGKILL") return { outcome: "killed" };
			// By number: some have two names.
			const expected = this.#asked && signalNumber(signal) === signalNumber(stopSignal);
			return { outcome: "signaled", signal, ...(expected && { expected }) };
		}
		const exit = { outcome: "exited", code: code ?? 0 } as const;
		// What a shell, and many a runtime, makes of the signal.
		const asTold = this.#asked && code === 128 + signalNumber(stopSignal);
		const expected = asTold || successExitCodes.includes(exit.code);
		return exit.code !== 0 && expected ? { ...exit, expected } : exit;
	}
}

// ==== from leader.ts

/**
 * Starts the first process of a job: execa. Loaded only where a configuration has a process.
 *
 * Only its start, and what it says of one that fails, are wanted: its promise waits for whoever holds a pipe, its kill() for one
 * process only, its clean-up for the end of ours. So these are turned off, and what it hands out is the `ChildProcess` of
 * node:child_process, whose `exit` is the end and which carries the signals.
 */

export interface LeaderOptions {
	/** All of it: nothing of our own environment is added. */
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	/** Where standard output and error go. */
	readonly output: "inherit" | "pipe";
	/** Whether it has a socket as its descriptor 3. */
	readonly hasChannel: boolean;
}

export interface Leader {
	readonly child: ChildProcess;
	/** Why it could not be started, with its command as it can be pasted into a shell; undefined if it was. */
	readonly failed: Promise<ErrorInfo> | undefined;
}

/** Throws what is wrong with the arguments themselves: a null byte, say. */
export function startLeader(
	[program = "", ...args]: readonly string[],
	{ env, cwd, output, hasChannel }: LeaderOptions,
): Leader {
	// It looks at the streams of the process when it is loaded and at each start. Touching them would make them non-blocking for all
	// who share them.
	const subprocess = hideStreams(() =>
		loadPackage("execa").execa(program, args, {
			env,
			extendEnv: false,
			cwd,
			detached: true,
			stdio: ["ignore", output, output, ...(hasChannel ? ["pipe" as const] : [])],
			buffer: false,
			reject: false,
			cleanup: false,
			forceKillAfterDelay: false,
			stripFinalNewline: false,
			verbose: "none",
		}),
	);
	const { nodeChildProcess: child } = subprocess;
	const failed = child.pid === undefined ? subprocess.then((result) => describe(result as ExecaError)) : undefined;
	return { child, failed };
}

/** What execa's own stack leads to is in here: of no use to anybody. */
function describe(error: ExecaError): ErrorInfo {
	const { stack: _, ...info } = errorInfo(error);
	return { ...info, message: error.shortMessage.replace("\n", ": ") };
}
