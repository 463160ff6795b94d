/**
 * What a process writes, as log records: one for each line, with the job and the stream.
 *
 * Invariants:
 * - Memory is bounded: over LIMIT the pipe is not read any more, and the process waits in write(2) as on any full pipe.
 *   After `neverWait()`, and once the process has ended, it is always read: a stalled reader must not delay a stop, nor
 *   take what was written before the end. Over STOP_LIMIT lines are dropped and counted.
 * - A line longer than LINE_LENGTH becomes several records, all but the last with `partial`. Bytes that are no UTF-8
 *   become U+FFFD; characters are never cut apart.
 */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { setImmediate as turn } from "node:timers/promises";
import { monotonicMs } from "../clock.ts";
import { logLine } from "../logger.ts";
import { within } from "../within.ts";
import type { JobHooks } from "./job.ts";

/** Bytes of one stream that may be on their way to the reader. */
const LIMIT = 1024 * 1024;
/** The same, while it stops or has ended: a full pipe of the shortest lines finds room. */
const STOP_LIMIT = 32 * LIMIT;
/** What a record costs beside its bytes, roughly. */
const RECORD_COST = 256;
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
	#inFlight = 0;
	#mayWait = true;
	#lastRead = 0;
	#dropped = 0;

	constructor(
		stream: Readable,
		job: string,
		name: "stdout" | "stderr",
		hooks: Pick<JobHooks, "onOutput">,
	) {
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
		const lines = (this.#rest + this.#decoder.write(bytes)).split("\n");
		this.#rest = lines.pop() ?? "";
		for (const line of lines) this.#record(line);
		while (this.#rest.length > LINE_LENGTH) {
			this.#log(this.#rest.slice(0, LINE_LENGTH), { partial: true });
			this.#rest = this.#rest.slice(LINE_LENGTH);
		}
	}

	#end(): void {
		const rest = this.#rest + this.#decoder.end();
		this.#rest = "";
		if (rest !== "") this.#record(rest);
	}

	#record(line: string): void {
		let rest = line.endsWith("\r") ? line.slice(0, -1) : line;
		for (; rest.length > LINE_LENGTH; rest = rest.slice(LINE_LENGTH))
			this.#log(rest.slice(0, LINE_LENGTH), { partial: true });
		this.#log(rest);
	}

	#log(line: string, fields: { readonly partial?: true } = {}): void {
		// A level of its own would be a guess: stderr is where many programs log whatever they log.
		const text = logLine("info", { ...this.#origin, ...fields }, line);
		const bytes = Buffer.from(text);
		if (this.#inFlight > STOP_LIMIT) {
			this.#dropped += bytes.length;
			return;
		}
		const cost = bytes.length + RECORD_COST;
		this.#inFlight += cost;
		if (this.#inFlight > LIMIT && this.#mayWait) this.#stream.pause();
		this.#hooks.onOutput("log", bytes, () => {
			this.#inFlight -= cost;
			if (this.#inFlight <= LIMIT) this.#stream.resume();
		});
	}
}
