/**
 * The output of a process, line by line, with the back-pressure of a pipe.
 *
 * Invariants:
 * - Memory is bounded: of each stream, and of all together, except for one read of each stream. Over LIMIT the pipe is
 *   not read any more, and the process waits in write(2) as on any full pipe. After `neverWait()`, and once the process
 *   has ended, the pipe is always read: a stalled reader must not delay a stop, and no output from before the end may
 *   be lost. Over STOP_LIMIT its lines are dropped and counted.
 */
import type { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { monotonicMs, within } from "../base/time.ts";
import type { JobHooks } from "./job.ts";
import { type LineFormat, LineRecords } from "./line-records.ts";

/** Bytes of one stream that may be in flight to the reader. */
const LIMIT = 1024 * 1024;
/** The same for all streams together. */
const LIMIT_OF_ALL = 8 * LIMIT;
/** The same for all streams while they stop or have ended. Even a full pipe of the shortest lines fits. */
const STOP_LIMIT = 16 * LIMIT;
/** The cost of a chunk beside its bytes, roughly. */
const CHUNK_COST = 512;
/** After the exit another process may hold the pipe. The wait for its end is over when nothing came for this long. */
const QUIET_MS = 25;
/** The longest such wait. */
const DRAIN_MAX_MS = 500;

let inFlightOfAll = 0;

export class LineLog {
	readonly #stream: Readable;
	readonly #hooks: Pick<JobHooks, "onOutput">;
	readonly #records: LineRecords;
	readonly #closed = Promise.withResolvers<void>();
	#isClosed = false;
	#dropped = 0;
	#inFlight = 0;
	#mayWait = true;
	#lastRead = 0;

	constructor(stream: Readable, name: "stdout" | "stderr", format: LineFormat, hooks: Pick<JobHooks, "onOutput">) {
		this.#stream = stream;
		this.#hooks = hooks;
		this.#records = new LineRecords(format, name);
		stream.on("data", (bytes: Buffer) => this.#read(bytes));
		stream.once("close", () => this.#end());
		// A pipe that breaks has ended.
		stream.on("error", () => {});
	}

	/** Whether the process has to wait for the reader of the log. */
	get isWaiting(): boolean {
		return this.#stream.isPaused();
	}

	/** Bytes that found no room so far. */
	get dropped(): number {
		return this.#dropped + this.#records.dropped;
	}

	/** Counts bytes that were read and could not be used. */
	protected lose(bytes: number): void {
		this.#dropped += bytes;
	}

	/** From here on the process never waits for the reader. */
	neverWait(): void {
		this.#mayWait = false;
		this.#stream.resume();
	}

	/** Call it when the process has ended. Settles once all it wrote is read, even if other processes hold the pipe. */
	async drained(): Promise<void> {
		const end = monotonicMs() + DRAIN_MAX_MS;
		this.neverWait();
		// All that the process wrote is in the pipe by now, and libuv reads a full pipe in one poll. Two turns of the event
		// loop contain a whole poll. No time does: the main thread itself may be late.
		await turn();
		await turn();
		this.#lastRead = monotonicMs();
		while (!this.#isClosed && monotonicMs() < end) {
			await within(this.#closed.promise, QUIET_MS);
			// On a starved machine the timer fires before a read that has been due all the while.
			await turn();
			if (monotonicMs() - this.#lastRead >= QUIET_MS) break;
		}
	}

	#read(bytes: Buffer): void {
		this.#lastRead = monotonicMs();
		if (inFlightOfAll > STOP_LIMIT && !this.#mayWait) {
			this.#dropped += bytes.length;
			this.#records.tear();
			return;
		}
		for (const chunk of this.#records.write(bytes)) this.#send(chunk);
	}

	#end(): void {
		for (const chunk of this.#records.end()) this.#send(chunk);
		this.#isClosed = true;
		this.#closed.resolve();
	}

	#send(bytes: Buffer): void {
		const cost = bytes.length + CHUNK_COST;
		this.#inFlight += cost;
		inFlightOfAll += cost;
		if (this.#isOverLimit() && this.#mayWait) this.#stream.pause();
		this.#hooks.onOutput(this.#records.stream, bytes, () => {
			this.#inFlight -= cost;
			inFlightOfAll -= cost;
			if (!this.#isOverLimit()) this.#stream.resume();
		});
	}

	/** All streams share LIMIT_OF_ALL. With nothing in flight a stream may read: it must not wait for other readers. */
	#isOverLimit(): boolean {
		return this.#inFlight > LIMIT || (inFlightOfAll > LIMIT_OF_ALL && this.#inFlight > 0);
	}
}
