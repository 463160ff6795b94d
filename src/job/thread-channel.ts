/**
 * What a job thread sends to the main thread: its output and its news, in one order, over one MessagePort.
 *
 * Node.js buffers a worker's output inside the worker, where `terminate()` destroys it: of 10,000 lines printed in one
 * turn one arrives. postMessage() hands a message over at once; it survives the thread that sent it.
 *
 * Back-pressure: what is on its way is counted in shared memory. Over the limit the thread blocks until the main
 * thread has got rid of some, as it would block in write(2) on a full pipe. Once its flag is raised it never blocks any
 * more, for a stalled reader must not delay a stop: its last lines may take more memory instead, and what is over that
 * is dropped and counted.
 */
import type { MessagePort } from "node:worker_threads";
import type { JobExit, Stream } from "./job.ts";

export type ThreadMessage =
	| { readonly type: Stream; readonly bytes: Uint8Array }
	/** First of all: the thread's folder below /proc, for whoever wants to know what it is doing. */
	| { readonly type: "task"; readonly task: string }
	| { readonly type: "ready" }
	| { readonly type: "settled"; readonly exit: JobExit };

/** Bytes of one thread that may be on their way to the reader. */
const LIMIT = 1024 * 1024;
/** The same, from the moment its flag is raised. */
const STOP_LIMIT = 8 * LIMIT;
/** What a message costs beside its bytes, roughly: a million short lines must not take a gigabyte. */
const MESSAGE_COST = 512;

const IN_FLIGHT = 0;
const DROPPED = 1;
/** Counts the reasons to look again: a waiter names the value it has seen, so no wake-up falls between look and wait. */
const EPOCH = 2;
const WORDS = 3;

/** Main thread: counts what has left. */
export class FlowCounter {
	readonly memory = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
	readonly #words = new Int32Array(this.memory);

	/** A message of so many bytes has been written, or dropped: room for more. */
	release(bytes: number): void {
		Atomics.sub(this.#words, IN_FLIGHT, bytes + MESSAGE_COST);
		this.wake();
	}

	/** Lets a thread that waits for room look at its flag. */
	wake(): void {
		Atomics.add(this.#words, EPOCH, 1);
		Atomics.notify(this.#words, EPOCH);
	}

	/** Bytes the thread has dropped so far. */
	get dropped(): number {
		return Atomics.load(this.#words, DROPPED);
	}
}

/** Job thread: sends. */
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
		// A copy of its own: a small Buffer is a view of a shared pool, which would be sent whole.
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
