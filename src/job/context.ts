/** What the function of a job is called with: its context, with the shutdown flag. */
import type { Logger } from "../base/logger.ts";

/**
 * The memory that a job shares with the init: 32-bit words in the machine's byte order. Word 2 is the flag. A program in
 * another language finds the words by their place, so a place is never given another meaning within one version.
 *
 * `mapped` is 1 from the moment when a process looks at the flag: then no stop signal is needed. The words behind it, and
 * `beats`, are for heartbeat.ts. `waits` is odd while the job blocks in {@link Flag.wait}.
 */
export const WORDS = { magic: 0, version: 1, flag: 2, beats: 3, mapped: 4, waits: 5, asked: 6, tell: 7 } as const;
export const MEMORY_BYTES = 64;
/** "last" in ASCII. */
const MAGIC = 0x6c617374;
const VERSION = 1;

/**
 * The values of the flag: DOWN until it is raised, UP from then on. It is never lowered.
 *
 * The same word serves a busy loop (a load), a blocking wait (a futex) and asynchronous code (waitAsync). All of them
 * wake at once when the flag is raised; none of them polls.
 */
export const DOWN = 0;
export const UP = 1;

/** Says in new memory, all zeros, what it is. */
export function sign(words: Int32Array): void {
	words[WORDS.magic] = MAGIC;
	words[WORDS.version] = VERSION;
}

/** Whether it is the memory of an init that gives each word the same meaning. */
export function isSigned(words: Int32Array): boolean {
	return words[WORDS.magic] === MAGIC && words[WORDS.version] === VERSION;
}

/** The init's side of a thread's flag. */
export class RaisableFlag {
	readonly memory = new SharedArrayBuffer(MEMORY_BYTES);
	readonly #words = new Int32Array(this.memory);

	raise(): void {
		// Sequentially consistent: a thread that wakes below, or loads the word later, sees UP.
		Atomics.store(this.#words, WORDS.flag, UP);
		Atomics.notify(this.#words, WORDS.flag);
	}
}

/** Two ways to wait until the flag's word is no longer DOWN, for at most `ms` milliseconds, which may be infinite. */
export interface FlagWaiter {
	block(ms: number): void;
	wake(ms: number): Promise<unknown>;
}

/** Threads of one process wait by Atomics. */
function threadWaiter(memory: ArrayBufferLike): FlagWaiter {
	const words = new Int32Array(memory as SharedArrayBuffer);
	return {
		block: (ms) => Atomics.wait(words, WORDS.flag, DOWN, ms),
		wake: async (ms) => Atomics.waitAsync(words, WORDS.flag, DOWN, ms).value,
	};
}

function checkMs(ms: unknown): void {
	if (typeof ms !== "number" || Number.isNaN(ms))
		throw new TypeError(`Cannot wait for ${typeof ms} ${ms}: expected milliseconds such as 1000`);
}

/** A job's shutdown flag, as the job sees it. It is raised once, when the job is asked to stop, and never lowered. */
export class Flag {
	readonly #words: Int32Array;
	readonly #waiter: FlagWaiter;
	#signal: AbortSignal | undefined;

	/** @param waiter How to wait in memory that is not a SharedArrayBuffer. */
	constructor(memory: ArrayBufferLike, waiter = threadWaiter(memory)) {
		this.#words = new Int32Array(memory);
		this.#waiter = waiter;
	}

	/** Whether the job has been asked to stop. It costs a memory load: a busy loop can read it on each turn. */
	get isSet(): boolean {
		return Atomics.load(this.#words, WORDS.flag) !== DOWN;
	}

	/**
	 * Blocks the thread until the flag is raised, or the time is over.
	 *
	 * @param ms Longest wait in milliseconds. @default Infinity
	 * @returns Whether the flag is raised.
	 * @throws {TypeError} if `ms` is no number: Atomics.wait() would wait for ever.
	 */
	wait(ms = Number.POSITIVE_INFINITY): boolean {
		checkMs(ms);
		// Blocked in here the job can show no other sign of life, and needs none: it wakes when it is asked to stop.
		Atomics.add(this.#words, WORDS.waits, 1);
		this.#waiter.block(ms);
		Atomics.add(this.#words, WORDS.waits, 1);
		return this.isSet;
	}

	/**
	 * Waits like {@link wait}, without blocking the thread.
	 *
	 * @param ms Longest wait in milliseconds. @default Infinity
	 * @returns Whether the flag is raised.
	 * @throws {TypeError} if `ms` is no number: Atomics.wait() would wait for ever.
	 */
	async raised(ms = Number.POSITIVE_INFINITY): Promise<boolean> {
		checkMs(ms);
		await this.#waiter.wake(ms);
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

/** What the function of a `thread` or `process` job is called with. */
export interface JobContext<Data = unknown> {
	/** The job's key in the configuration. */
	readonly name: string;
	/** Id of the thread, as `worker_threads.threadId`; of a `process` its pid. */
	readonly id: number;
	/** `data` of the configuration: the job's own copy. */
	readonly data: Data;
	/** Raised when the job is asked to stop. */
	readonly flag: Flag;
	/** A pino logger that names the job in each line. Loaded at the first use. */
	readonly log: Logger;
	/**
	 * Says that the job does its work now. Further calls change nothing, and neither does a call without
	 * `readiness: "notify"`: such a job counts as ready from its start on.
	 */
	ready(): void;
	/**
	 * Says that the job is alive, for `liveness: {heartbeat}`: for long work that does not return to the event loop. It
	 * costs an addition in memory: a busy loop can call it on each turn.
	 */
	alive(): void;
}

/**
 * The default export of a job's file. The job lives until the function returns, or until its promise settles. Then its
 * thread or process ends, even if there are open handles.
 */
export type JobFunction<Data = unknown> = (context: JobContext<Data>) => unknown;
