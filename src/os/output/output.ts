/**
 * Writes to standard output or standard error without ever blocking the main thread, however slow the reader is.
 *
 * A blocking write(2) would stop PID 1 when the reader stalls (a log driver, a terminal after Ctrl-S), and O_NONBLOCK
 * on descriptor 1 itself would affect every other process that shares it. Hence an open file description of our own,
 * opened by /proc/self/fd, and only that one is non-blocking.
 *
 * Where it cannot be opened (a socket: ENXIO; another user's pipe: EACCES; no /proc) writes go through libuv's thread
 * pool, one at a time: a stalled reader then blocks a pool thread, never the main thread. (process.exit() would wait
 * for that thread for ever. So a caller that has flushed and has bytes left must end the process another way.) What a
 * socket has room for needs no pool thread: jobs may occupy all of them.
 *
 * Invariants:
 * - Chunks are written in the order of write(), each of them whole, unless the reader stalls or the disk fills up halfway.
 * - Memory is bounded by back-pressure: a writer that passes `done` waits for it before it writes more. Of all other
 *   writers at most `limit` bytes wait, or one larger chunk. What exceeds the limit is dropped, counted, and reported
 *   once there is room again.
 * - After an error (the reader is gone, the disk is full) the waiting chunks are dropped and counted. Nothing throws. A
 *   disk may have room again later: then the loss is reported, on a line of its own.
 */
import { writev, writevSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { libc } from "../ffi/libc.ts";
import { ownDescription } from "./stderr.ts";

const RETRY_FIRST_MS = 1;
const RETRY_MAX_MS = 50;
const LINE_END = Buffer.from("\n");
/** PIPE_BUF: up to this size a write to a pipe is not interleaved with other writers' (pipe(7)). */
const WRITE_AT_ONCE = 4096;

/** How many SIGPIPE our own writes have caused, less those that isOwnBrokenPipe() was asked about. */
let brokenPipes = 0;

/** Whether a SIGPIPE that was heard a moment ago comes from a write of ours. Ask once for each signal. */
export function isOwnBrokenPipe(): boolean {
	if (brokenPipes === 0) return false;
	brokenPipes--;
	return true;
}

interface Chunk {
	readonly bytes: Buffer;
	/** Called once the chunk is written or dropped. */
	readonly done: (() => void) | undefined;
	next: Chunk | undefined;
}

export class Output {
	readonly #descriptor: number;
	/** Whether writes have to go through the thread pool. */
	readonly #mayBlock: boolean;
	readonly #limit: number;
	readonly #onDropped: (bytes: number) => void;
	/** A linked list: shift() on a long array moves all the rest. */
	#first: Chunk | undefined;
	#last: Chunk | undefined;
	/** Bytes of the first chunk that are written already. */
	#offset = 0;
	/** Bytes of all chunks in the list. */
	#waiting = 0;
	/** Those without `done`. Only they count for the limit: the jobs' output must not crowd out our own last words. */
	#withoutDone = 0;
	#writing = false;
	#retryMs = RETRY_FIRST_MS;
	#onEmpty: (() => void)[] = [];
	/** Bytes dropped since the last report. */
	#dropped = 0;
	/** Whether the last write ended within a chunk, whose rest was dropped. */
	#torn = false;

	/**
	 * @param onDropped Called with the number of lost bytes, once everything that waited has left.
	 * @param limit Bytes that may wait for the reader. @default 1 MiB
	 */
	constructor(descriptor: 1 | 2, onDropped: (bytes: number) => void, limit = 1024 * 1024) {
		this.#onDropped = onDropped;
		const own = ownDescription(descriptor);
		this.#descriptor = own ?? descriptor;
		this.#mayBlock = own === undefined;
		this.#limit = limit;
	}

	write(bytes: Buffer, done?: () => void): void {
		if (!done && this.#withoutDone > 0 && this.#withoutDone + bytes.length > this.#limit) {
			this.#dropped += bytes.length;
			return;
		}
		// After half a line the next one begins on a new line.
		const whole = this.#torn ? Buffer.concat([LINE_END, bytes]) : bytes;
		const chunk: Chunk = { bytes: whole, done, next: undefined };
		if (this.#last) this.#last.next = chunk;
		else this.#first = chunk;
		this.#last = chunk;
		this.#waiting += whole.length;
		if (!done) this.#withoutDone += whole.length;
		if (!this.#writing) this.#writeQueue();
	}

	/**
	 * Waits until everything has left, for at most `ms` milliseconds.
	 *
	 * @returns Bytes left behind: 0 if everything has left.
	 */
	async flush(ms: number): Promise<number> {
		if (this.#waiting === 0) return 0;
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, ms);
		this.#onEmpty.push(resolve);
		await promise;
		clearTimeout(timer);
		return this.#waiting;
	}

	#writeQueue(): void {
		this.#writing = true;
		if (this.#mayBlock) this.#writeInPool();
		else this.#writeNow();
	}

	#writeNow(): void {
		while (this.#first) {
			try {
				this.#advance(writevSync(this.#descriptor, this.#next()));
			} catch (error) {
				if (this.#mustWait(error as NodeJS.ErrnoException)) return;
			}
		}
		this.#writing = false;
	}

	#writeInPool(): void {
		this.#sendNow();
		this.#writing = this.#first !== undefined;
		if (!this.#writing) return;
		writev(this.#descriptor, this.#next(), (error, written) => {
			if (!error) this.#advance(written);
			// EAGAIN here: another process that shares the descriptor has made it non-blocking.
			else if (this.#mustWait(error)) return;
			this.#writeQueue();
		});
	}

	/** Writes what a socket has room for. */
	#sendNow(): void {
		while (this.#first) {
			const [first = Buffer.alloc(0), ...more] = this.#next();
			const bytes = more.length > 0 ? Buffer.concat([first, ...more]) : first;
			// It throws where the C library has no send(2).
			const sent = attempt(() => libc()?.sendNow(this.#descriptor, bytes)) ?? -1;
			if (sent <= 0) return;
			this.#advance(sent);
		}
	}

	/** What is written next: the rest of the first chunk, and the chunks after it that fit into the same write. */
	#next(): Buffer[] {
		const buffers: Buffer[] = [];
		let bytes = -this.#offset;
		for (let chunk = this.#first; chunk; chunk = chunk.next) {
			bytes += chunk.bytes.length;
			if (bytes > WRITE_AT_ONCE && buffers.length > 0) break;
			buffers.push(chunk === this.#first ? chunk.bytes.subarray(this.#offset) : chunk.bytes);
		}
		return buffers;
	}

	/** Handles the error of a write. Returns whether the reader has stalled: then a timer writes again. */
	#mustWait({ code }: NodeJS.ErrnoException): boolean {
		if (code === "EPIPE") brokenPipes++;
		if (code === "EAGAIN") {
			// Not unref()ed: flush() waits for this timer.
			setTimeout(() => this.#writeQueue(), this.#retryMs);
			this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
		} else if (code !== "EINTR") this.#dropAll();
		return code === "EAGAIN";
	}

	#advance(written: number): void {
		this.#retryMs = RETRY_FIRST_MS;
		this.#offset += written;
		for (let chunk = this.#first; chunk; chunk = this.#first) {
			const over = this.#offset - chunk.bytes.length;
			if (over < 0) return;
			this.#torn = false;
			this.#shift(chunk);
			this.#offset = over;
		}
		if (this.#dropped === 0) return;
		const dropped = this.#dropped;
		this.#dropped = 0;
		this.#onDropped(dropped);
	}

	#dropAll(): void {
		this.#torn ||= this.#offset > 0;
		this.#dropped += this.#waiting - this.#offset;
		for (let chunk = this.#first; chunk; chunk = this.#first) this.#shift(chunk);
	}

	#shift(chunk: Chunk): void {
		this.#first = chunk.next;
		if (!this.#first) this.#last = undefined;
		this.#offset = 0;
		this.#waiting -= chunk.bytes.length;
		if (!chunk.done) this.#withoutDone -= chunk.bytes.length;
		chunk.done?.();
		if (this.#waiting > 0) return;
		for (const tell of this.#onEmpty.splice(0)) tell();
	}
}
