/**
 * A job in a thread of its own: node:worker_threads.
 *
 * Invariants:
 * - `exited` settles exactly once, with the first of: the thread's message that it has settled, the worker's exit, a
 *   start that failed, or `giveUp()`. Not before: until then the job's code may run.
 * - A settled thread is left alone until `release()`: thread-entry.ts says what harm its teardown may do.
 * - Nothing that a thread sends can throw in here: malformed messages are ignored.
 * - All output of the thread is handed on before `exited` settles: its last lines precede the report of its end.
 */
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { attempt, type ErrorInfo, errorInfo } from "../base/errors.ts";
import type { LogLevel } from "../base/logger.ts";
import { monotonicMs, within } from "../base/time.ts";
import { isCached, isTypeScript, stripTypes } from "../base/typescript.ts";
import type { ThreadSettings } from "../config/schema.ts";
import { locateThread } from "../os/processes/locate-thread.ts";
import { giveWay, isOurProc } from "../os/processes/processes.ts";
import { RaisableFlag } from "./context.ts";
import { Pulse } from "./heartbeat.ts";
import { checkExit, type Job, type JobExit, type JobHooks, type Stream, type Whereabouts } from "./job.ts";
import { type LineFormat, LineRecords } from "./line-records.ts";
import { FlowCounter, type StrippedFile, type ThreadMessage } from "./thread-channel.ts";

/**
 * `thread`: absolute path of the job's file. `env`: the whole environment. `lines`: how the lines that it prints are
 * printed; undefined if what it prints is passed on as it is.
 */
type ThreadSpec = Pick<ThreadSettings, "thread" | "data" | "resourceLimits" | "liveness"> &
	Readonly<{ name: string; env: NodeJS.ProcessEnv; logLevel: LogLevel; lines?: LineFormat | undefined }>;

/** What thread-entry.ts finds in `workerData`. */
export interface ThreadData extends Readonly<Pick<ThreadSpec, "name" | "thread" | "data" | "logLevel">> {
	readonly port: MessagePort;
	readonly flagMemory: SharedArrayBuffer;
	readonly flowMemory: SharedArrayBuffer;
	/** Whether what it prints becomes records, one for each line. */
	readonly inLines: boolean;
}

// Beside this file in the sources, and beside each bundle of the package.
const ENTRY = new URL(`./thread-entry${extname(import.meta.url) === ".ts" ? ".ts" : ".cjs"}`, import.meta.url);

/** The jobs' threads that exist, settled ones included. */
const threads = new Set<Worker>();

/** Whether a job's thread is left: the regular exit of the process would tear it down. */
export function areThreadsLeft(): boolean {
	return threads.size > 0;
}

export class ThreadJob implements Job {
	readonly name: string;
	id = 0;
	readonly #exited = Promise.withResolvers<JobExit>();
	readonly #gone = Promise.withResolvers<void>();
	readonly exited = this.#exited.promise;
	readonly gone = this.#gone.promise;
	readonly #spec: ThreadSpec;
	readonly #hooks: JobHooks;
	readonly #flag = new RaisableFlag();
	readonly #flow = new FlowCounter();
	readonly #pulse: Pulse;
	/** Of its standard output and error, if they become records. */
	readonly #records = new Map<Stream, LineRecords>();
	/** Undefined before the start, and when the thread has gone. */
	#worker: Worker | undefined;
	#port: MessagePort | undefined;
	/** The thread's folder below /proc: PID/task/TID. */
	#task: string | undefined;
	#uncaught: ErrorInfo | undefined;
	/** Takes the answer of a thread that was asked what it waits for. */
	#onWaitsFor = (_open: Record<string, number>) => {};
	#killed = false;
	#settled = false;

	constructor(spec: ThreadSpec, hooks: JobHooks) {
		this.name = spec.name;
		this.#spec = spec;
		this.#hooks = hooks;
		this.#pulse = new Pulse(new Int32Array(this.#flag.memory), spec.liveness?.explicit === true);
		const { lines } = spec;
		if (lines) for (const name of ["stdout", "stderr"] as const) this.#records.set(name, new LineRecords(lines, name));
	}

	start(): void {
		const { name, thread, data, env, resourceLimits, logLevel, lines } = this.#spec;
		const { port1, port2: port } = new MessageChannel();
		const memory = { flagMemory: this.#flag.memory, flowMemory: this.#flow.memory };
		const workerData: ThreadData = { name, thread, data, logLevel, port, ...memory, inLines: lines !== undefined };
		try {
			const worker = new Worker(ENTRY, {
				name,
				workerData,
				transferList: [port],
				env,
				// Otherwise Node.js would pipe them to process.stdout. Touching that makes descriptor 1 non-blocking for all
				// who share it: a process that writes to it directly would get EAGAIN.
				stdout: true,
				stderr: true,
				...(resourceLimits && { resourceLimits }),
			});
			// What is printed before thread-entry.ts takes the streams over: by a preloaded module, for instance.
			for (const stream of ["stdout", "stderr"] as const)
				worker[stream].on("data", (bytes: Buffer) => this.#pass(stream, bytes, () => {}));
			worker.on("error", (error) => {
				this.#uncaught = errorInfo(error);
			});
			worker.on("exit", (code) => this.#onExit(code));
			port1.on("message", (message) => this.#receive(message));
			this.id = worker.threadId;
			this.#worker = worker;
			threads.add(worker);
			this.#port = port1;
			// The thread will ask for its file in some 40 ms: as long as Node.js takes to load its type stripper.
			if (isTypeScript(thread) && !isCached(thread)) setImmediate(stripTypes, "");
		} catch (error) {
			// No thread could be made (the container's limit of processes is reached), or `data` cannot be cloned.
			port1.close();
			this.#gone.resolve();
			this.#exited.resolve(notStarted(errorInfo(error)));
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
		if (this.#worker && this.#task && isOurProc()) giveWay(Number(this.#task.split("/").at(-1)));
	}

	hasShownLife(): boolean {
		const hasLife = this.#pulse.look(this.#worker?.performance.eventLoopUtilization().idle ?? 0);
		// A thread that waits for the reader of its output cannot show more.
		return hasLife || this.#flow.isFull;
	}

	async locate(ms: number): Promise<Whereabouts | undefined> {
		if (!this.#worker) return undefined;
		const endAt = monotonicMs() + ms;
		const where = await locateThread(this.#worker, this.#task, ms);
		if (where?.type === "idle") return this.#askWhatFor(Math.max(0, endAt - monotonicMs()));
		if (where?.type !== "javascript") return where;
		// Show only the code of the job's author: the stack up to our own, which calls the job's function.
		const folder = dirname(fileURLToPath(ENTRY));
		const end = where.stack.findIndex(({ file }) => dirname(file) === folder);
		const own = end === -1 ? where.stack : where.stack.slice(0, end);
		const stack = own.length > 0 ? own : [{ function: "the job's function", file: this.#spec.thread }];
		return { type: "javascript", stack };
	}

	/** A thread in no code can answer at once. */
	async #askWhatFor(ms: number): Promise<Whereabouts> {
		const { promise, resolve } = Promise.withResolvers<void>();
		let waitsFor: Record<string, number> | undefined;
		this.#onWaitsFor = (open) => {
			waitsFor = open;
			resolve();
		};
		this.#pulse.askWhatFor();
		await within(promise, ms);
		return { type: "idle", ...(waitsFor && { waitsFor }) };
	}

	kill(): boolean {
		if (!this.#worker || this.#settled) return false;
		this.#killed = true;
		// Nobody awaits terminate(): the event `exit` tells the same. While the thread is in native code neither comes.
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

	/** Never throws. The port is in the thread's `workerData`: the job's code can post anything there. */
	#receive(message: ThreadMessage): void {
		attempt(() => {
			if (message.type === "ready") this.#hooks.onReady();
			else if (message.type === "task") this.#task = String(message.task);
			else if (message.type === "waitsFor") this.#onWaitsFor(checkOpen(message.open));
			else if (message.type === "strip") {
				const { path, source, answered } = message;
				const answer: StrippedFile = { path, text: stripTypes(source) };
				this.#port?.postMessage(answer);
				Atomics.store(answered, 0, 1);
				Atomics.notify(answered, 0);
			} else if (message.type === "settled") {
				const exit = checkExit(message.exit);
				// A killed job counts as killed, even if its function has returned meanwhile: #onExit() says so.
				if (exit && !this.#killed) this.#end(exit);
			} else {
				const { type, bytes, cost, isTorn } = message;
				if (isTorn) this.#records.get(type)?.tear();
				this.#pass(type, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), () => this.#flow.release(cost));
			}
		});
	}

	/** Passes output on. Calls `done` when it is written or dropped, or waits for the end of its line. */
	#pass(stream: Stream, bytes: Buffer, done: () => void): void {
		const records = this.#records.get(stream);
		if (!records) this.#hooks.onOutput(stream, bytes, done);
		else this.#passAll(records.stream, records.write(bytes), done);
	}

	#passAll(stream: Stream, chunks: readonly Buffer[], done: () => void): void {
		// Chunks leave in their order.
		const last = chunks.length - 1;
		for (const [index, chunk] of chunks.entries())
			this.#hooks.onOutput(stream, chunk, index === last ? done : () => {});
		if (last === -1) done();
	}

	/** Receives what the port still holds: messages outlive the thread that sent them. */
	#drain(): void {
		if (!this.#port) return;
		for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port))
			this.#receive(next.message);
	}

	#onExit(code: number): void {
		if (this.#worker) threads.delete(this.#worker);
		this.#worker = undefined;
		this.#drain();
		this.#port?.close();
		this.#end(this.#killed ? { outcome: "killed" } : exitOf(code, this.#uncaught));
		this.#gone.resolve();
	}

	#end(exit: JobExit): void {
		if (this.#settled) return;
		this.#settled = true;
		let { dropped } = this.#flow;
		for (const records of this.#records.values()) {
			this.#passAll(records.stream, records.end(), () => {});
			dropped += records.dropped;
		}
		if (dropped > 0) this.#hooks.onDropped(dropped);
		this.#exited.resolve(exit);
	}
}

/** A report names at most so many kinds of handles, and of a name so many characters. */
const KINDS_MAX = 20;
const NAME_LENGTH = 64;

/** Throws if it is no object: the job's code can send anything. */
function checkOpen(open: Readonly<Record<string, number>>): Record<string, number> {
	const kinds = Object.entries(open).filter(([, count]) => count > 0);
	return Object.fromEntries(kinds.slice(0, KINDS_MAX).map(([name, count]) => [name.slice(0, NAME_LENGTH), +count]));
}

/** The exit of a thread that has reported none. `error` is from the worker's event `error`, if there was one. */
function exitOf(code: number, error: ErrorInfo | undefined): JobExit {
	if (!error) return { outcome: "exited", code };
	if (error.code === "ERR_WORKER_INIT_FAILED") return notStarted(error);
	return { outcome: error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "out-of-memory" : "failed", error };
}

/** No thread could be made. Node.js's message has only the name of the error. */
function notStarted(error: ErrorInfo): JobExit {
	const limit = /EMFILE/.test(error.message) ? "open files" : /EAGAIN/.test(error.message) && "processes and threads";
	const why = limit ? `, the limit of ${limit} is reached` : "";
	return { outcome: "not-started", error: { ...error, message: `${error.message}: no thread could be made${why}` } };
}
