/**
 * The channel from a job thread to the main thread: output and messages, in one order, over one MessagePort.
 *
 * Node.js buffers a worker's output inside the worker, where `terminate()` destroys it: of 10,000 lines printed in one
 * turn one arrives. postMessage() hands a message over at once, and the message survives the thread that sent it.
 *
 * Back-pressure: the bytes in flight are counted in shared memory. Over LIMIT the thread blocks until the main thread
 * has written some of them, as it would block in write(2) on a full pipe. Once its flag is raised it never blocks any
 * more, for a stalled reader must not delay a stop: its last lines may take more memory instead. What is over
 * STOP_LIMIT is dropped and counted.
 */
import type { MessagePort } from "node:worker_threads";
import type { JobExit, Stream } from "./job.ts";

export type ThreadMessage =
	/** `cost`: what to release when it is written. `isTorn`: output of that stream was dropped before it. */
	| Readonly<{ type: Stream; bytes: Uint8Array; cost: number; isTorn: boolean }>
	/** The first message. `task`: the thread's folder below /proc, which shows what the thread is doing. */
	| Readonly<{ type: "task"; task: string }>
	| Readonly<{ type: "ready" }>
	/** Asks for a TypeScript file without its types. The answer is a {@link StrippedFile}; then `answered` becomes 1. */
	| Readonly<{ type: "strip"; path: string; source: string; answered: Int32Array<SharedArrayBuffer> }>
	/** What the event loop waits for, in Node.js's words, and how many of each: `{TCPSocketWrap: 2, Timeout: 1}`. */
	| Readonly<{ type: "waitsFor"; open: Readonly<Record<string, number>> }>
	| Readonly<{ type: "settled"; exit: JobExit }>;

/** From the main thread to the job thread. `text`: undefined if the types cannot be stripped. */
export type StrippedFile = Readonly<{ path: string; text: string | undefined }>;

/** Bytes of one thread that may be in flight to the reader. */
const LIMIT = 1024 * 1024;
/** The same, from the moment the flag is raised. */
const STOP_LIMIT = 8 * LIMIT;
/** The cost of a message beside its bytes, roughly: a million short lines must not take a gigabyte. */
const MESSAGE_COST = 512;
/** What a log record has beside its line, roughly. */
const RECORD_COST = 128;
/** Lines are sent in pieces of at most so many bytes: their records take a hundred times as much if the lines are short. */
const PIECE = 64 * 1024;
const LINE_END = 10;

/** The 32-bit words of the shared memory, by their index. */
const IN_FLIGHT = 0;
const DROPPED = 1;
/** Changes with each reason to check for room again. Atomics.wait() compares it: no change after a check is missed. */
const EPOCH = 2;
const WORD_COUNT = 3;

/** The main thread's side: counts what was written. */
export class FlowCounter {
	readonly memory = new SharedArrayBuffer(WORD_COUNT * Int32Array.BYTES_PER_ELEMENT);
	readonly #words = new Int32Array(this.memory);

	/** Makes room: a message of that cost was written, or dropped. */
	release(cost: number): void {
		Atomics.sub(this.#words, IN_FLIGHT, cost);
		this.wake();
	}

	/** Wakes a thread that waits for room: it checks its flag and the room again. */
	wake(): void {
		Atomics.add(this.#words, EPOCH, 1);
		Atomics.notify(this.#words, EPOCH);
	}

	/** Whether the thread has to wait for room. */
	get isFull(): boolean {
		return Atomics.load(this.#words, IN_FLIGHT) >= LIMIT;
	}

	/** Bytes that the thread has dropped so far. */
	get dropped(): number {
		return Atomics.load(this.#words, DROPPED);
	}
}

/** The job thread's side: sends. */
export class ThreadSender {
	readonly #port: MessagePort;
	readonly #words: Int32Array<SharedArrayBuffer>;
	readonly #inLines: boolean;
	readonly #mustNotBlock: () => boolean;
	/** The streams whose last output was dropped. */
	readonly #torn = new Set<Stream>();

	constructor(port: MessagePort, memory: SharedArrayBuffer, inLines: boolean, mustNotBlock: () => boolean) {
		this.#inLines = inLines;
		this.#port = port;
		this.#words = new Int32Array(memory);
		this.#mustNotBlock = mustNotBlock;
	}

	send(message: ThreadMessage, transfer: ArrayBuffer[] = []): void {
		this.#port.postMessage(message, transfer);
	}

	/** Sends a record of the thread's own log, or what it has printed. */
	sendOutput(type: Stream, bytes: Uint8Array): void {
		if (!this.#inLines || type === "log") this.#sendPiece(type, bytes, 0);
		else
			for (let start = 0; start < bytes.length; start += PIECE) {
				const piece = bytes.subarray(start, start + PIECE);
				this.#sendPiece(type, piece, RECORD_COST * countLines(piece));
			}
	}

	#sendPiece(type: Stream, bytes: Uint8Array, recordsCost: number): void {
		if (!this.#hasRoom()) {
			Atomics.add(this.#words, DROPPED, bytes.length);
			this.#torn.add(type);
			return;
		}
		const cost = bytes.length + MESSAGE_COST + recordsCost;
		Atomics.add(this.#words, IN_FLIGHT, cost);
		// A copy: a small Buffer is a view of a shared pool, which would be sent whole.
		const copy = new Uint8Array(bytes);
		this.send({ type, bytes: copy, cost, isTorn: this.#torn.delete(type) }, [copy.buffer]);
	}

	#hasRoom(): boolean {
		for (;;) {
			const epoch = Atomics.load(this.#words, EPOCH);
			const inFlight = Atomics.load(this.#words, IN_FLIGHT);
			if (inFlight < LIMIT) return true;
			if (this.#mustNotBlock()) return inFlight < STOP_LIMIT;
			Atomics.wait(this.#words, EPOCH, epoch);
		}
	}
}

function countLines(bytes: Uint8Array): number {
	let count = 0;
	for (let at = bytes.indexOf(LINE_END); at !== -1; at = bytes.indexOf(LINE_END, at + 1)) count++;
	return count;
}
