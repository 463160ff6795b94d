/** What the function of a job thread is called with: its context, with the shutdown flag. */
import type { Logger } from "../base/logger.ts";

/**
 * The memory that a job shares with the init: 32-bit words in the machine's byte order. Word 2 is the flag. A program in
 * another language finds the words by their place, so a place is never given another meaning within one version.
 *
 * The words behind it are for heartbeat.ts. `waits` is odd while the job blocks in {@link Flag.wait}.
 */
export const WORDS = { magic: 0, version: 1, flag: 2, beats: 3, waits: 5, asked: 6, tell: 7 } as const;
export const MEMORY_BYTES = 64;

/**
 * The values of the flag: DOWN until it is raised, UP from then on. It is never lowered.
 *
 * The same word serves a busy loop (a load), a blocking wait (a futex) and asynchronous code (waitAsync). All of them
 * wake at once when the flag is raised; none of them polls.
 */
const DOWN = 0;
const UP = 1;

/** The init's side of a flag. */
export class RaisableFlag {
	readonly memory = new SharedArrayBuffer(MEMORY_BYTES);
	readonly #words = new Int32Array(this.memory);

	raise(): void {
		// Sequentially consistent: a thread that wakes below, or loads the word later, sees UP.
		Atomics.store(this.#words, WORDS.flag, UP);
		Atomics.notify(this.#words, WORDS.flag);
	}
}

/** A job's shutdown flag, as the job sees it. It is raised once, when the job is asked to stop, and never lowered. */
export class Flag {
	readonly #words: Int32Array<SharedArrayBuffer>;
	#signal: AbortSignal | undefined;

	constructor(memory: SharedArrayBuffer) {
		this.#words = new Int32Array(memory);
	}

	/** Whether the job has been asked to stop. It costs a memory load: a busy loop can read it on each turn. */
	get isSet(): boolean {
		return Atomics.load(this.#words, WORDS.flag) === UP;
	}

	/**
	 * Blocks the thread until the flag is raised, or the time is over.
	 *
	 * @param ms Longest wait in milliseconds. @default Infinity
	 * @returns Whether the flag is raised.
	 */
	wait(ms = Number.POSITIVE_INFINITY): boolean {
		Atomics.add(this.#words, WORDS.waits, 1);
		Atomics.wait(this.#words, WORDS.flag, DOWN, ms);
		Atomics.add(this.#words, WORDS.waits, 1);
		return this.isSet;
	}

	/**
	 * Waits like {@link wait}, without blocking the thread.
	 *
	 * @param ms Longest wait in milliseconds. @default Infinity
	 * @returns Whether the flag is raised.
	 */
	async raised(ms = Number.POSITIVE_INFINITY): Promise<boolean> {
		await Atomics.waitAsync(this.#words, WORDS.flag, DOWN, ms).value;
		return this.isSet;
	}

	/** Aborted when the flag is raised. For all that takes an AbortSignal: `fetch`, timers, streams, `events.once`. */
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

/** What the function of a thread job is called with. */
export interface JobContext<Data = unknown> {
	/** The job's key in the configuration. */
	readonly name: string;
	/** Id of the thread, as `worker_threads.threadId`. */
	readonly id: number;
	/** `data` of the configuration: the job's own copy. */
	readonly data: Data;
	/** Raised when the job is asked to stop. */
	readonly flag: Flag;
	/** A pino logger that names the job in each line. Loaded at the first use. */
	readonly log: Logger;
	/** Says that the job does its work now. Further calls change nothing. */
	ready(): void;
	/**
	 * Says that the job is alive, for `liveness: {heartbeat}`: for long work that does not return to the event loop. It
	 * costs an addition in memory: a busy loop can call it on each turn.
	 */
	alive(): void;
}

/**
 * The default export of a thread job's file. The job lives until the function returns, or until its promise settles.
 * Then the thread ends, even if there are open handles.
 */
export type JobFunction<Data = unknown> = (context: JobContext<Data>) => unknown;
