/**
 * What a process writes, as log records: one for each line, with the job and the stream.
 *
 * Invariants:
 * - Memory is bounded, of each stream and of all together, but for one read of each stream: over LIMIT the pipe is not read any
 *   more, and the process waits in write(2) as on any full pipe. After `neverWait()`, and once the process has ended, the pipe is
 *   always read: a stalled reader must not delay a stop, nor take what was written before the end. Over STOP_LIMIT its lines are
 *   dropped and counted.
 * - A line longer than LINE_LENGTH becomes several records, all but the last with `partial`. Bytes that are no UTF-8
 *   become U+FFFD; characters are never cut apart.
 */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { setImmediate as turn } from "node:timers/promises";
import { logLine } from "../base/logger.ts";
import { monotonicMs, within } from "../base/time.ts";
import type { JobHooks } from "./job.ts";

/** Bytes of one stream that may be on their way to the reader. */
const LIMIT = 1024 * 1024;
/** The same of all streams together. */
const LIMIT_OF_ALL = 8 * LIMIT;
/** The same, of all, while they stop or have ended: a full pipe of the shortest lines finds room. */
const STOP_LIMIT = 16 * LIMIT;
/** What a chunk costs beside its bytes, roughly. */
const CHUNK_COST = 512;
/** PIPE_BUF: a chunk that is no longer is not torn by others who write to the same pipe. */
const BATCH_LENGTH = 4096;

let inFlightOfAll = 0;
/** Characters. */
const LINE_LENGTH = 8 * 1024;

/** Whoever else writes to the pipe after the process's exit has no more to say when nothing came for so long. */
const QUIET_MS = 25;
const DRAIN_MAX_MS = 500;

export class LineLog {
	readonly #stream: Readable;
	readonly #hooks: Pick<JobHooks, "onOutput">;
	/** Fields of every line. */
	readonly #origin: { readonly job: string; readonly stream: string };
	readonly #decoder = new StringDecoder("utf8");
	readonly #ended: Promise<void>;
	/** Of a line whose end has not come yet. */
	#rest = "";
	/** Of the line that is being read a part was dropped. */
	#isTorn = false;
	/** Records that have not been handed on. */
	#batch = "";
	/** In bytes. */
	#batchLength = 0;
	#inFlight = 0;
	#mayWait = true;
	#lastRead = 0;
	#dropped = 0;

	constructor(stream: Readable, job: string, name: "stdout" | "stderr", hooks: Pick<JobHooks, "onOutput">) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#stream = stream;
		this.#hooks = hooks;
		this.#ended = promise;
		this.#origin = { job, stream: name };
		stream.on("data", (bytes: Buffer) => this.#read(bytes));
		stream.once("close", () => {
			this.#end();
			resolve();
		});
		// A pipe that breaks has ended.
		stream.on("error", () => {});
	}

	/** Bytes that found no room so far. */
	get dropped(): number {
		return this.#dropped;
	}

	/** From here on the process is never made to wait for the reader. */
	neverWait(): void {
		this.#mayWait = false;
		this.#stream.resume();
	}

	/** The process has ended: settles once all it wrote is read. Whoever else holds the pipe is not waited for. */
	async drained(): Promise<void> {
		const end = monotonicMs() + DRAIN_MAX_MS;
		let ended = false;
		const done = this.#ended.then(() => {
			ended = true;
		});
		this.neverWait();
		// All that it wrote is in the pipe by now, and one look of libuv's takes as much as a pipe holds. Only turns of the event
		// loop make sure of that look, not time: who was late may be we.
		await turn();
		await turn();
		this.#lastRead = monotonicMs();
		while (!ended && monotonicMs() < end) {
			await within(done, QUIET_MS);
			// On a starved machine the timer comes first, and then what there has been to read all the while.
			await turn();
			if (monotonicMs() - this.#lastRead >= QUIET_MS) break;
		}
	}

	#read(bytes: Buffer): void {
		this.#lastRead = monotonicMs();
		if (inFlightOfAll > STOP_LIMIT && !this.#mayWait) {
			this.#dropped += bytes.length;
			this.#isTorn = true;
			return;
		}
		const lines = (this.#rest + this.#decoder.write(bytes)).split("\n");
		// What stands before was dropped.
		if (this.#isTorn) this.#dropped += lines.shift()?.length ?? 0;
		this.#isTorn = lines.length === 0;
		this.#rest = lines.pop() ?? "";
		for (const line of lines) this.#record(line);
		this.#rest = this.#recordParts(this.#rest);
		this.#sendBatch();
	}

	#end(): void {
		const rest = this.#rest + this.#decoder.end();
		this.#rest = "";
		if (rest !== "") this.#record(rest);
		this.#sendBatch();
	}

	#record(line: string): void {
		const text = line.endsWith("\r") ? line.slice(0, -1) : line;
		this.#log(this.#recordParts(text));
	}

	/** Logs a line that is too long in parts, all but the last, which it returns. */
	#recordParts(line: string): string {
		let rest = line;
		while (rest.length > LINE_LENGTH) {
			// Not between the two halves of a character beyond U+FFFF.
			const last = rest.charCodeAt(LINE_LENGTH - 1);
			const isHalf = last >= 0xd800 && last < 0xdc00;
			const length = isHalf ? LINE_LENGTH - 1 : LINE_LENGTH;
			this.#log(rest.slice(0, length), { partial: true });
			rest = rest.slice(length);
		}
		return rest;
	}

	#log(line: string, fields: { readonly partial?: true } = {}): void {
		// A level of its own would be a guess: stderr is where many programs log whatever they log.
		const text = logLine("info", { ...this.#origin, ...fields }, line);
		const length = Buffer.byteLength(text);
		if (this.#batchLength + length > BATCH_LENGTH) this.#sendBatch();
		this.#batch += text;
		this.#batchLength += length;
	}

	/** Several short lines are one chunk: a chunk costs more than a line. */
	#sendBatch(): void {
		if (this.#batch === "") return;
		const bytes = Buffer.from(this.#batch);
		this.#batch = "";
		this.#batchLength = 0;
		const cost = bytes.length + CHUNK_COST;
		this.#inFlight += cost;
		inFlightOfAll += cost;
		if (this.#isOver() && this.#mayWait) this.#stream.pause();
		this.#hooks.onOutput("log", bytes, () => {
			this.#inFlight -= cost;
			inFlightOfAll -= cost;
			if (!this.#isOver()) this.#stream.resume();
		});
	}

	/** Many streams share LIMIT_OF_ALL. A stream with nothing in flight may always read: else it would wait for the reader of others. */
	#isOver(): boolean {
		return this.#inFlight > LIMIT || (inFlightOfAll > LIMIT_OF_ALL && this.#inFlight > 0);
	}
}
