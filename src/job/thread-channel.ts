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
	| Readonly<{ type: Stream; bytes: Uint8Array }>
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

	/** Makes room: a message of so many bytes was written, or dropped. */
	release(bytes: number): void {
		Atomics.sub(this.#words, IN_FLIGHT, bytes + MESSAGE_COST);
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
	readonly #mustNotBlock: () => boolean;

	constructor(port: MessagePort, memory: SharedArrayBuffer, mustNotBlock: () => boolean) {
		this.#port = port;
		this.#words = new Int32Array(memory);
		this.#mustNotBlock = mustNotBlock;
	}

	send(message: ThreadMessage, transfer: ArrayBuffer[] = []): void {
		this.#port.postMessage(message, transfer);
	}

	sendOutput(type: Stream, bytes: Uint8Array): void {
		if (!this.#hasRoom()) {
			Atomics.add(this.#words, DROPPED, bytes.length);
			return;
		}
		Atomics.add(this.#words, IN_FLIGHT, bytes.length + MESSAGE_COST);
		// A copy: a small Buffer is a view of a shared pool, which would be sent whole.
		const copy = new Uint8Array(bytes);
		this.send({ type, bytes: copy }, [copy.buffer]);
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
