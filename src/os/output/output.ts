/**
 * Writes to standard output or standard error without ever blocking the main thread, whoever reads them and however slowly.
 *
 * A blocking write(2) would stop PID 1 when the reader stalls (a log driver, a terminal after Ctrl-S), and O_NONBLOCK on
 * descriptor 1 itself would be seen by every other process that shares it. Hence an open file description of our own,
 * by /proc/self/fd, which only we make non-blocking.
 *
 * Where it cannot be opened (a socket: ENXIO; another user's pipe: EACCES; no /proc) writes go through libuv's thread
 * pool instead, one at a time: a stalled reader then holds a pool thread, never the main thread. (process.exit() would wait for
 * that thread for ever: whoever flushes and has bytes left must end the process another way.) What a socket has room for needs
 * no thread of the pool: jobs may hold all of them.
 *
 * Invariants:
 * - Chunks leave in the order of write(), each whole unless the reader stalls, or the disk is full, in its middle.
 * - Memory is bounded: of writers that are told when a chunk has left (`done`) it is expected that they wait for it; of all
 *   others at most `limit` bytes wait, or one chunk that is larger. What is over is dropped, counted, and said once there is
 *   room again.
 * - After an error (the reader is gone, the disk is full) what waits is dropped and counted; nothing throws. A disk may have
 *   room again later: then it is said, on a line of its own.
 */
import { writev, writevSync } from "node:fs";
import { libc } from "../ffi/libc.ts";
import { ownDescription } from "./stderr.ts";

const RETRY_FIRST_MS = 1;
const RETRY_MAX_MS = 50;
const LINE_END = Buffer.from("\n");
/** PIPE_BUF: what is written to a pipe at once, up to here, is not torn by other writers (pipe(7)). */
const WRITE_AT_ONCE = 4096;

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
	/** Bytes of the first chunk that have left already. */
	#offset = 0;
	#waiting = 0;
	/** Of these, the bytes of writers that are not told: what jobs have waiting must not crowd out our own last words. */
	#untold = 0;
	#writing = false;
	#retryMs = RETRY_FIRST_MS;
	#onEmpty: (() => void)[] = [];
	/** Bytes that found no room, or no reader, and of which nobody has been told yet. */
	#dropped = 0;
	/** The last of what has left was half a chunk. */
	#torn = false;

	/**
	 * @param onDropped Told how many bytes were lost, once everything that waited has left.
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
		const isOver = this.#untold + bytes.length > this.#limit;
		if (!done && isOver && this.#untold > 0) {
			this.#dropped += bytes.length;
			return;
		}
		// After half a line the next one begins on its own.
		const whole = this.#torn ? Buffer.concat([LINE_END, bytes]) : bytes;
		const chunk: Chunk = { bytes: whole, done, next: undefined };
		if (!done) this.#untold += whole.length;
		if (this.#last) this.#last.next = chunk;
		else this.#first = chunk;
		this.#last = chunk;
		this.#waiting += whole.length;
		if (!this.#writing) this.#writeQueue();
	}

	/**
	 * Waits until everything has left, `ms` at the most.
	 *
	 * @returns Bytes left behind: 0 if all is out.
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
		if (this.#mayBlock) this.#writeInPool();
		else this.#writeNow();
	}

	#writeNow(): void {
		this.#writing = true;
		while (this.#first) {
			try {
				this.#advance(writevSync(this.#descriptor, this.#next()));
			} catch (error) {
				const { code } = error as NodeJS.ErrnoException;
				if (code === "EAGAIN") {
					this.#writeLater();
					return;
				}
				if (code !== "EINTR") this.#giveUp();
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
			else if (error.code === "EAGAIN") {
				// Somebody who shares the descriptor has made it non-blocking.
				this.#writeLater();
				return;
			} else if (error.code !== "EINTR") this.#giveUp();
			this.#writeInPool();
		});
	}

	#sendNow(): void {
		this.#writing = true;
		while (this.#first) {
			const bytes = Buffer.concat(this.#next());
			const sent = libc()?.sendNow(this.#descriptor, bytes) ?? -1;
			if (sent <= 0) return;
			this.#advance(sent);
		}
	}

	/** What is written next: the rest of the first chunk, and those after it that fit into one write with it. */
	#next(): Buffer[] {
		const buffers: Buffer[] = [];
		let bytes = -this.#offset;
		for (let chunk = this.#first; chunk; chunk = chunk.next) {
			bytes += chunk.bytes.length;
			if (bytes > WRITE_AT_ONCE && buffers.length > 0) break;
			buffers.push(chunk.bytes);
		}
		const [first] = buffers;
		if (first && this.#offset > 0) buffers[0] = first.subarray(this.#offset);
		return buffers;
	}

	#writeLater(): void {
		// Held open on purpose: a flush waits for this timer.
		setTimeout(() => this.#writeQueue(), this.#retryMs);
		this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
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

	#giveUp(): void {
		this.#torn ||= this.#offset > 0;
		this.#dropped += this.#waiting - this.#offset;
		for (let chunk = this.#first; chunk; chunk = this.#first) {
			this.#shift(chunk);
		}
	}

	#shift(chunk: Chunk): void {
		this.#first = chunk.next;
		if (!this.#first) this.#last = undefined;
		this.#offset = 0;
		this.#waiting -= chunk.bytes.length;
		if (!chunk.done) this.#untold -= chunk.bytes.length;
		chunk.done?.();
		if (this.#waiting > 0) return;
		for (const tell of this.#onEmpty.splice(0)) tell();
	}
}
