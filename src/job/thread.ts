/**
 * A job in a thread of its own: node:worker_threads.
 *
 * Invariants:
 * - `exited` settles exactly once, with the first of: the thread's word that it has settled, the worker's exit, a start that
 *   failed, or `giveUp()`. Not before: until then the job's code may run.
 * - A settled thread is left alone until `release()`: see thread-entry.ts for what its teardown may do.
 * - Nothing that a thread sends can throw in here: what cannot be understood is passed over.
 * - Whatever the thread has sent is handed on before `exited` settles, so that its last lines stand before the news of its end.
 */
import { extname } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import {
	MessageChannel,
	type MessagePort,
	type ResourceLimits,
	receiveMessageOnPort,
	Worker,
} from "node:worker_threads";
import { attempt, type ErrorInfo, errorInfo } from "../base/errors.ts";
import type { LogLevel } from "../base/logger.ts";
import { locateThread } from "../os/processes/locate-thread.ts";
import { giveWay, isOurProc } from "../os/processes/processes.ts";
import { RaisableFlag } from "./context.ts";
import type { Job, JobExit, JobHooks, Stream, Whereabouts } from "./job.ts";
import { FlowCounter, type ThreadMessage } from "./thread-channel.ts";

export interface ThreadSpec {
	readonly name: string;
	/** Absolute path of the job's file. */
	readonly file: string;
	readonly data?: unknown;
	readonly env: NodeJS.ProcessEnv;
	readonly resourceLimits?: ResourceLimits;
	readonly logLevel: LogLevel;
}

/** What thread-entry.ts finds in `workerData`. */
export interface ThreadData {
	readonly name: string;
	readonly file: string;
	readonly data: unknown;
	readonly logLevel: LogLevel;
	readonly port: MessagePort;
	readonly flagMemory: SharedArrayBuffer;
	readonly flowMemory: SharedArrayBuffer;
}

// Beside this file in the sources, and beside each bundle of the package.
const ENTRY = new URL(`./thread-entry${extname(import.meta.url) === ".ts" ? ".ts" : ".cjs"}`, import.meta.url);

/** All that are there, the parked ones too. */
const threads = new Set<Worker>();

/** Whether a job's thread is there: the regular exit of the process would tear it down. */
export function areThreadsLeft(): boolean {
	return threads.size > 0;
}

export class ThreadJob implements Job {
	readonly name: string;
	readonly #ended = Promise.withResolvers<JobExit>();
	readonly #left = Promise.withResolvers<void>();
	readonly exited = this.#ended.promise;
	readonly gone = this.#left.promise;
	readonly #spec: ThreadSpec;
	readonly #hooks: JobHooks;
	readonly #flag = new RaisableFlag();
	readonly #flow = new FlowCounter();
	/** Undefined before the start, and when the thread has gone. */
	#worker: Worker | undefined;
	#port: MessagePort | undefined;
	#id = 0;
	/** The thread's folder below /proc. */
	#task: string | undefined;
	#uncaught: ErrorInfo | undefined;
	#killed = false;
	#settled = false;

	constructor(spec: ThreadSpec, hooks: JobHooks) {
		this.name = spec.name;
		this.#spec = spec;
		this.#hooks = hooks;
	}

	get id(): number {
		return this.#id;
	}

	start(): void {
		const { name, file, data, env, resourceLimits, logLevel } = this.#spec;
		const { port1, port2 } = new MessageChannel();
		const workerData: ThreadData = {
			name,
			file,
			data,
			logLevel,
			port: port2,
			flagMemory: this.#flag.memory,
			flowMemory: this.#flow.memory,
		};
		try {
			const worker = new Worker(ENTRY, {
				name,
				workerData,
				transferList: [port2],
				env,
				// Else Node.js would pipe them to process.stdout, and touching that makes descriptor 1 non-blocking for
				// everybody who shares it: whoever writes to it directly would get EAGAIN.
				stdout: true,
				stderr: true,
				...(resourceLimits && { resourceLimits }),
			});
			this.#passOn(worker.stdout, "stdout");
			this.#passOn(worker.stderr, "stderr");
			worker.on("error", (error) => {
				this.#uncaught = errorInfo(error);
			});
			worker.on("exit", (code) => this.#onExit(code));
			port1.on("message", (message) => this.#receive(message));
			this.#id = worker.threadId;
			this.#worker = worker;
			threads.add(worker);
			this.#port = port1;
		} catch (error) {
			// No thread could be made (the container's limit of processes is reached), or `data` cannot be cloned.
			port1.close();
			this.#left.resolve();
			this.#ended.resolve(notStarted(errorInfo(error)));
		}
	}

	requestStop(): void {
		this.#flag.raise();
		this.#flow.wake();
	}

	signal(): boolean {
		return false;
	}

	giveWay(): void {
		if (!this.#worker || !this.#task || !isOurProc()) return;
		// PID/task/TID.
		giveWay(Number(this.#task.split("/").at(-1)));
	}

	async locate(ms: number): Promise<Whereabouts | undefined> {
		if (!this.#worker) return undefined;
		const where = await locateThread(this.#worker, this.#task, ms);
		return where?.type === "javascript" ? this.#withoutEntry(where) : where;
	}

	kill(): boolean {
		if (!this.#worker || this.#settled) return false;
		this.#killed = true;
		// Resolves when the thread has gone: `exit` tells the same. Never, while it is in native code.
		void this.#worker.terminate();
		return true;
	}

	giveUp(): void {
		this.#drain();
		this.#end({ outcome: "stuck" });
	}

	release(): void {
		void this.#worker?.terminate();
	}

	/** Of the stack only what the job's author has written: whatever the first file of the thread has called is the job's function. */
	#withoutEntry({ stack }: Extract<Whereabouts, { type: "javascript" }>): Whereabouts {
		const entry = fileURLToPath(ENTRY);
		const end = stack.findIndex(({ file }) => file === entry);
		const own = end === -1 ? stack : stack.slice(0, end);
		const { file } = this.#spec;
		return own.length > 0
			? { type: "javascript", stack: own }
			: {
					type: "javascript",
					stack: [{ function: "the job's function", file }],
				};
	}

	/** The port lies in the thread's `workerData`: its code can post there whatever it likes. */
	#receive(message: unknown): void {
		attempt(() => this.#take(message as ThreadMessage));
	}

	#take(message: ThreadMessage): void {
		switch (message.type) {
			case "ready":
				this.#hooks.onReady();
				break;
			case "task":
				this.#task = message.task;
				break;
			case "settled": {
				const exit = saidExit(message.exit);
				// Even if its function had returned: it was late, and is on its way out by force.
				if (exit && !this.#killed) this.#end(exit);
				break;
			}
			default: {
				const { type, bytes } = message;
				this.#hooks.onOutput(type, bytes, () => this.#flow.release(bytes.length));
			}
		}
	}

	/** What was printed before thread-entry.ts took the streams over: by a preloaded module, for instance. */
	#passOn(stream: Readable, type: Stream): void {
		stream.on("data", (bytes: Uint8Array) => this.#hooks.onOutput(type, bytes, () => {}));
	}

	/** Takes what the port still holds: messages outlive the thread that sent them. */
	#drain(): void {
		if (!this.#port) return;
		for (;;) {
			const received = receiveMessageOnPort(this.#port);
			if (!received) break;
			this.#receive(received.message);
		}
	}

	#onExit(code: number): void {
		if (this.#worker) threads.delete(this.#worker);
		this.#worker = undefined;
		this.#drain();
		this.#port?.close();
		this.#end(this.#killed ? { outcome: "killed" } : exitOf(code, this.#uncaught));
		this.#left.resolve();
	}

	#end(exit: JobExit): void {
		if (this.#settled) return;
		this.#settled = true;
		const { dropped } = this.#flow;
		if (dropped > 0) this.#hooks.onDropped(dropped);
		this.#ended.resolve(exit);
	}
}

// ==== from thread-exit.ts

/** How a thread has ended. */

/** What the thread said of its own end. `undefined` if no end is made so: the job's code can send whatever it likes. */
export function saidExit(said: Partial<JobExit> = {}): JobExit | undefined {
	switch (said.outcome) {
		case "finished":
			return { outcome: "finished" };
		case "exited":
			return Number.isInteger(said.code) ? { outcome: "exited", code: Number(said.code) } : undefined;
		case "failed":
		case "not-started": {
			const { name, message, stack, code } = said.error ?? {};
			if (typeof name !== "string" || typeof message !== "string") return undefined;
			const error = {
				name,
				message,
				...(typeof stack === "string" && { stack }),
				...(typeof code === "string" && { code }),
			};
			return { outcome: said.outcome, error };
		}
		default:
			return undefined;
	}
}

/**
 * The end of a thread that has said nothing.
 *
 * @param error Of the worker's event `error`, if there was one.
 */
export function exitOf(code: number, error: ErrorInfo | undefined): JobExit {
	if (!error) return { outcome: "exited", code };
	switch (error.code) {
		case "ERR_WORKER_OUT_OF_MEMORY":
			return { outcome: "out-of-memory", error };
		case "ERR_WORKER_INIT_FAILED":
			return notStarted(error);
		default:
			return { outcome: "failed", error };
	}
}

/** No thread could be made. Node.js says no more than the code of the error. */
export function notStarted(error: ErrorInfo): JobExit {
	const limit = /EMFILE/.test(error.message) ? "open files" : /EAGAIN/.test(error.message) && "processes and threads";
	const message = limit ? `${error.message}: no thread could be made, the limit of ${limit} is reached` : error.message;
	return { outcome: "not-started", error: { ...error, message } };
}
