/** What the function of a job thread is called with: its context, with the shutdown flag. */
import type { Logger } from "../base/logger.ts";

/**
 * A job's shutdown flag: four bytes of shared memory, 0 until it is raised, 1 from then on.
 *
 * The same word serves a busy loop (a load), a blocking wait (a futex) and asynchronous code (waitAsync). All wake at once
 * when it is raised, nothing polls. It is never lowered.
 */
const DOWN = 0;
const UP = 1;

/** The init's side: asks. */
export class RaisableFlag {
	readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
	readonly #word = new Int32Array(this.memory);

	raise(): void {
		// Sequentially consistent: whoever is woken below, or loads the word later, sees it up.
		Atomics.store(this.#word, 0, UP);
		Atomics.notify(this.#word, 0);
	}
}

/** The job's side: looks, or waits. */
export class Flag {
	readonly #word: Int32Array<SharedArrayBuffer>;
	#signal: AbortSignal | undefined;

	constructor(memory: SharedArrayBuffer) {
		this.#word = new Int32Array(memory);
	}

	/** Whether the job has been asked to stop. A busy loop reads it on each turn; it costs a memory load. */
	get isSet(): boolean {
		return Atomics.load(this.#word, 0) === UP;
	}

	/**
	 * Blocks the thread until the flag is raised, or `ms` milliseconds have passed.
	 *
	 * @param ms @default Infinity
	 * @returns Whether the flag is raised.
	 */
	wait(ms = Number.POSITIVE_INFINITY): boolean {
		Atomics.wait(this.#word, 0, DOWN, ms);
		return this.isSet;
	}

	/**
	 * Waits like {@link wait} without blocking the thread.
	 *
	 * @param ms @default Infinity
	 * @returns Whether the flag is raised.
	 */
	async raised(ms = Number.POSITIVE_INFINITY): Promise<boolean> {
		await Atomics.waitAsync(this.#word, 0, DOWN, ms).value;
		return this.isSet;
	}

	/** Aborted when the flag is raised; for whatever takes an AbortSignal: `fetch`, timers, streams, `events.once`. */
	get signal(): AbortSignal {
		if (!this.#signal) {
			const controller = new AbortController();
			this.#signal = controller.signal;
			if (this.isSet) controller.abort();
			else void this.raised().then(() => controller.abort());
		}
		return this.#signal;
	}
}

// ==== from context.ts

/** What the function of a thread job is called with. */
export interface JobContext<Data = unknown> {
	/** The job's key in the configuration. */
	readonly name: string;
	/** Id of the thread, as `worker_threads.threadId`. */
	readonly id: number;
	/** `data` of the configuration: a copy of the job's own. */
	readonly data: Data;
	/** Raised when the job is asked to stop. */
	readonly flag: Flag;
	/** A pino logger that names the job in each line. Loaded when first used. */
	readonly log: Logger;
	/** Says that the job does its work now. Once is enough. */
	ready(): void;
}

/**
 * The default export of a thread job's file. The job lives until it returns (or its promise settles); then the thread
 * ends, whatever handles it has left open.
 */
export type JobFunction<Data = unknown> = (context: JobContext<Data>) => unknown;
