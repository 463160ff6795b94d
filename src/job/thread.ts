/**
 * A job in a thread of its own: node:worker_threads.
 *
 * Invariants:
 * - `exited` settles exactly once, with the first of: the worker's exit, a start that failed, or `giveUp()`.
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
import { attempt, type ErrorInfo, errorInfo } from "../errors.ts";
import type { LogLevel } from "../logger.ts";
import { RaisableFlag } from "./flag.ts";
import type { Job, JobExit, JobHooks, Stream } from "./job.ts";
import { locateThread } from "./locate-thread.ts";
import { FlowCounter, type ThreadMessage } from "./thread-channel.ts";
import type { Whereabouts } from "./whereabouts.ts";

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
const ENTRY = new URL(
	`./thread-entry${extname(import.meta.url) === ".ts" ? ".ts" : ".cjs"}`,
	import.meta.url,
);

export class ThreadJob implements Job {
	readonly name: string;
	readonly exited: Promise<JobExit>;
	readonly #spec: ThreadSpec;
	readonly #hooks: JobHooks;
	readonly #flag = new RaisableFlag();
	readonly #flow = new FlowCounter();
	readonly #settle: (exit: JobExit) => void;
	/** Undefined before the start, and after the exit. */
	#worker: Worker | undefined;
	#port: MessagePort | undefined;
	#id = 0;
	/** The thread's folder below /proc. */
	#task: string | undefined;
	/** What the thread said of its own end, before it went. */
	#said: JobExit | undefined;
	#uncaught: ErrorInfo | undefined;
	#killed = false;

	constructor(spec: ThreadSpec, hooks: JobHooks) {
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
			this.#port = port1;
		} catch (error) {
			// No thread could be made (the container's limit of processes is reached), or `data` cannot be cloned.
			port1.close();
			this.#settle(notStarted(errorInfo(error)));
		}
	}

	requestStop(): void {
		this.#flag.raise();
		this.#flow.wake();
	}

	signal(): boolean {
		return false;
	}

	async locate(ms: number): Promise<Whereabouts | undefined> {
		if (!this.#worker) return undefined;
		const where = await locateThread(this.#worker, this.#task, ms);
		return where?.type === "javascript" ? this.#withoutEntry(where) : where;
	}

	kill(): boolean {
		if (!this.#worker) return false;
		this.#killed = true;
		// Resolves when the thread has gone: `exit` tells the same. Never, while it is in native code.
		void this.#worker.terminate();
		return true;
	}

	giveUp(): void {
		this.#drain();
		this.#settle({ outcome: "stuck" });
	}

	/** Of the stack only what the job's author has written: whatever the first file of the thread has called is the job's function. */
	#withoutEntry({
		stack,
	}: Extract<Whereabouts, { type: "javascript" }>): Whereabouts {
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
			case "settled":
				this.#said ??= message.exit;
				break;
			default: {
				const { type, bytes } = message;
				this.#hooks.onOutput(type, bytes, () =>
					this.#flow.release(bytes.length),
				);
			}
		}
	}

	/** What was printed before thread-entry.ts took the streams over: by a preloaded module, for instance. */
	#passOn(stream: Readable, type: Stream): void {
		stream.on("data", (bytes: Uint8Array) =>
			this.#hooks.onOutput(type, bytes, () => {}),
		);
	}

	/** Takes what the port still holds: messages outlive the thread that sent them. */
	#drain(): void {
		if (!this.#port) return;
		for (;;) {
			const received = receiveMessageOnPort(this.#port);
			if (!received) break;
			this.#receive(received.message);
		}
		const { dropped } = this.#flow;
		if (dropped > 0) this.#hooks.onDropped(dropped);
	}

	#onExit(code: number): void {
		this.#worker = undefined;
		this.#drain();
		this.#port?.close();
		this.#settle(this.#exitOf(code));
	}

	#exitOf(code: number): JobExit {
		// Even if its function had returned: something went on after it that had to be cut off.
		if (this.#killed) return { outcome: "killed" };
		if (this.#said) return this.#said;
		const error = this.#uncaught;
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
}

/** No thread could be made. Node.js says no more than the code of the error. */
function notStarted(error: ErrorInfo): JobExit {
	const limit = /EMFILE/.test(error.message)
		? "open files"
		: /EAGAIN/.test(error.message) && "processes and threads";
	const message = limit
		? `${error.message}: no thread could be made, the limit of ${limit} is reached`
		: error.message;
	return { outcome: "not-started", error: { ...error, message } };
}
