/**
 * A job in a process of its own: node:child_process.
 *
 * The process leads a session, and so a process group, of its own: what it starts can be killed with it, and a terminal's
 * Ctrl-C reaches it through its stop signal only.
 *
 * Invariants:
 * - `exited` settles exactly once, with the first of: the process's exit, a start that failed, or `giveUp()`.
 * - A signal is sent only before `exit` was seen: until then the pid is ours (libuv collects it in the same turn), later it
 *   could be somebody else's. Its group is killed under the same condition.
 * - What it wrote before its end is handed on before `exited` settles, unless the reader stalls. The wait for that has a
 *   bound, for whatever it started and left behind holds its pipes open, too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { errorInfo } from "../errors.ts";
import { readKernelState } from "../os/kernel-state.ts";
import { type NotifySocket, openNotifySocket } from "../os/notify-socket.ts";
import { isOurProc, readProcess } from "../os/processes.ts";
import type { Job, JobExit, JobHooks } from "./job.ts";
import { LineLog } from "./line-log.ts";
import type { Whereabouts } from "./whereabouts.ts";

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

export class ProcessJob implements Job {
	readonly name: string;
	readonly exited: Promise<JobExit>;
	readonly #spec: ProcessSpec;
	readonly #hooks: JobHooks;
	readonly #settle: (exit: JobExit) => void;
	readonly #logs: LineLog[] = [];
	/** Undefined before the start, and after the exit. */
	#child: ChildProcess | undefined;
	/** Open until it is ready, or has ended. */
	#notifySocket: NotifySocket | undefined;
	#id = 0;
	#asked = false;
	#killed = false;

	constructor(spec: ProcessSpec, hooks: JobHooks) {
		const { promise, resolve } = Promise.withResolvers<JobExit>();
		this.name = spec.name;
		this.exited = promise;
		this.#settle = resolve;
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
		const [program = "", ...args] = command;
		const stream = output === "log" ? "pipe" : "inherit";
		try {
			if (notify) {
				this.#notifySocket = openNotifySocket(() => this.#onReady());
				if (this.#notifySocket) env.NOTIFY_SOCKET = this.#notifySocket.path;
			}
			const child = spawn(program, args, {
				env,
				cwd,
				detached: true,
				stdio: ["ignore", stream, stream, ...(notify ? ["ipc" as const] : [])],
			});
			child.once("error", (error) => this.#fail(error));
			// Without a pid the error above is on its way.
			if (child.pid === undefined) return;
			this.#child = child;
			this.#id = child.pid;
			child.once("exit", (code, signal) => void this.#onExit(code, signal));
			child.on("message", (message) => {
				if (message === "ready") this.#onReady();
			});
			for (const name of ["stdout", "stderr"] as const) {
				const pipe = child[name];
				if (pipe)
					this.#logs.push(new LineLog(pipe, this.name, name, this.#hooks));
			}
		} catch (error) {
			this.#fail(error);
		}
	}

	requestStop(): void {
		this.#asked = true;
		for (const log of this.#logs) log.neverWait();
		this.signal(this.#spec.stopSignal);
		// A stopped process acts on the stop signal only once it runs again.
		this.signal("SIGCONT");
	}

	signal(signal: NodeJS.Signals): boolean {
		try {
			return this.#child?.kill(signal) ?? false;
		} catch {
			// Not permitted: it has changed its user.
			return false;
		}
	}

	async locate(): Promise<Whereabouts | undefined> {
		if (!this.#child || !isOurProc()) return undefined;
		const kernel = readKernelState(String(this.#id));
		const command =
			readProcess(this.#id)?.command ?? this.#spec.command.join(" ");
		return kernel && { type: "process", command, ...kernel };
	}

	kill(): void {
		if (!this.#child) return;
		this.#killed = true;
		try {
			process.kill(-this.#id, "SIGKILL");
		} catch {
			// It has left for another group or user. What it left behind is a straggler.
			this.signal("SIGKILL");
		}
	}

	giveUp(): void {
		this.#tellDropped();
		this.#settle({ outcome: "stuck" });
	}

	#onReady(): void {
		this.#notifySocket?.close();
		this.#notifySocket = undefined;
		this.#hooks.onReady();
	}

	/** No process was made: no such program, or the limit of processes is reached. Or, later: a signal could not be sent. */
	#fail(error: unknown): void {
		if (this.#id !== 0) return;
		this.#notifySocket?.close();
		this.#settle({ outcome: "not-started", error: errorInfo(error) });
	}

	async #onExit(
		code: number | null,
		signal: NodeJS.Signals | null,
	): Promise<void> {
		this.#child = undefined;
		this.#notifySocket?.close();
		await Promise.all(this.#logs.map((log) => log.drained()));
		this.#tellDropped();
		this.#settle(this.#exitOf(code, signal));
	}

	#tellDropped(): void {
		const dropped = this.#logs.reduce((sum, log) => sum + log.dropped, 0);
		if (dropped > 0) this.#hooks.onDropped(dropped);
	}

	#exitOf(code: number | null, signal: NodeJS.Signals | null): JobExit {
		const { stopSignal, successExitCodes } = this.#spec;
		if (signal !== null) {
			if (this.#killed && signal === "SIGKILL") return { outcome: "killed" };
			const expected = this.#asked && signal === stopSignal;
			return { outcome: "signaled", signal, ...(expected && { expected }) };
		}
		const exit = { outcome: "exited", code: code ?? 0 } as const;
		// What a shell, and many a runtime, makes of the signal.
		const asTold = this.#asked && code === 128 + constants.signals[stopSignal];
		const expected = asTold || successExitCodes.includes(exit.code);
		return exit.code !== 0 && expected ? { ...exit, expected } : exit;
	}
}
