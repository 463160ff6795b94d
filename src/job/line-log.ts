/**
 * The output of a process as log records: one for each line, with the job and the stream.
 *
 * Invariants:
 * - Memory is bounded: of each stream, and of all together, except for one read of each stream. Over LIMIT the pipe is
 *   not read any more, and the process waits in write(2) as on any full pipe. After `neverWait()`, and once the process
 *   has ended, the pipe is always read: a stalled reader must not delay a stop, and no output from before the end may
 *   be lost. Over STOP_LIMIT its lines are dropped and counted.
 * - A line longer than `lineLength` becomes several records, all but the last with `partial`. Bytes that are not UTF-8
 *   become U+FFFD. No character is cut in two.
 */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { setImmediate as turn } from "node:timers/promises";
import { logLine } from "../base/logger.ts";
import { monotonicMs, within } from "../base/time.ts";
import type { JobHooks } from "./job.ts";

/** Bytes of one stream that may be in flight to the reader. */
const LIMIT = 1024 * 1024;
/** The same for all streams together. */
const LIMIT_OF_ALL = 8 * LIMIT;
/** The same for all streams while they stop or have ended. Even a full pipe of the shortest lines fits. */
const STOP_LIMIT = 16 * LIMIT;
/** The cost of a chunk beside its bytes, roughly. */
const CHUNK_COST = 512;
/** PIPE_BUF: a chunk up to this length is never torn apart by others that write to the same pipe. */
const BATCH_LENGTH = 4096;
/** After the exit another process may hold the pipe. The wait for its end is over when nothing came for this long. */
const QUIET_MS = 25;
/** The longest such wait. */
const DRAIN_MAX_MS = 500;

let inFlightOfAll = 0;

export class LineLog {
	/** Bytes that found no room so far. */
	dropped = 0;
	/** In characters. */
	protected readonly lineLength: number = 8 * 1024;
	readonly #stream: Readable;
	readonly #hooks: Pick<JobHooks, "onOutput">;
	/** Fields of every line. */
	readonly #origin: { readonly job: string; readonly stream: string };
	readonly #decoder = new StringDecoder("utf8");
	readonly #closed = Promise.withResolvers<void>();
	#isClosed = false;
	/** The beginning of a line whose end has not come yet. */
	#rest = "";
	/** Whether a part of the line that is being read was dropped. */
	#isTorn = false;
	/** Records that were not handed on yet. */
	#batch = "";
	/** In bytes. */
	#batchLength = 0;
	#inFlight = 0;
	#mayWait = true;
	#lastRead = 0;

	constructor(stream: Readable, job: string, name: "stdout" | "stderr", hooks: Pick<JobHooks, "onOutput">) {
		this.#stream = stream;
		this.#hooks = hooks;
		this.#origin = { job, stream: name };
		stream.on("data", (bytes: Buffer) => this.#read(bytes));
		stream.once("close", () => this.#end());
		// A pipe that breaks has ended.
		stream.on("error", () => {});
	}

	/** Whether the process has to wait for the reader of the log. */
	get isWaiting(): boolean {
		return this.#stream.isPaused();
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
			this.dropped += bytes.length;
			this.#isTorn = true;
			return;
		}
		const lines = (this.#rest + this.#decoder.write(bytes)).split("\n");
		// Of a torn line the end is dropped, too.
		if (this.#isTorn) this.dropped += lines.shift()?.length ?? 0;
		this.#isTorn = lines.length === 0;
		this.#rest = lines.pop() ?? "";
		for (const line of lines) this.#record(line);
		this.#rest = this.#recordParts(this.#rest);
		this.#sendBatch();
	}

	#end(): void {
		const rest = this.#rest + this.#decoder.end();
		if (rest !== "") this.#record(rest);
		this.#sendBatch();
		this.#isClosed = true;
		this.#closed.resolve();
	}

	#record(line: string): void {
		this.#log(this.#recordParts(line.endsWith("\r") ? line.slice(0, -1) : line));
	}

	/** Logs the parts of a line that is too long, except for the last part, which is returned. */
	#recordParts(line: string): string {
		let rest = line;
		const max = this.lineLength;
		while (rest.length > max) {
			// Not between the two halves of a character beyond U+FFFF.
			const last = rest.charCodeAt(max - 1);
			const length = last >= 0xd800 && last < 0xdc00 ? max - 1 : max;
			this.#log(rest.slice(0, length), { partial: true });
			rest = rest.slice(length);
		}
		return rest;
	}

	/** The record of a line, or of a part of one; an empty text for none. */
	protected recordOf(line: string, fields: { readonly partial?: true }): string {
		// Always "info": any other level would be a guess, for many programs log everything on stderr.
		return logLine("info", { ...this.#origin, ...fields }, line);
	}

	#log(line: string, fields: { readonly partial?: true } = {}): void {
		const text = this.recordOf(line, fields);
		const length = Buffer.byteLength(text);
		if (this.#batchLength + length > BATCH_LENGTH) this.#sendBatch();
		this.#batch += text;
		this.#batchLength += length;
	}

	/** Sends several short lines as one chunk: a chunk costs more than a line. */
	#sendBatch(): void {
		if (this.#batch === "") return;
		const bytes = Buffer.from(this.#batch);
		this.#batch = "";
		this.#batchLength = 0;
		const cost = bytes.length + CHUNK_COST;
		this.#inFlight += cost;
		inFlightOfAll += cost;
		if (this.#isOverLimit() && this.#mayWait) this.#stream.pause();
		this.#hooks.onOutput("log", bytes, () => {
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
