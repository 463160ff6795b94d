/**
 * Starts one after the other, a few in one turn of the event loop. To make a process or a thread blocks the main thread for
 * a millisecond and more: while a thousand of them start, signals are heard and questions answered all the same.
 */
import { monotonicMs } from "../clock.ts";

/** How long the starts of one turn may take together; the last of them may take longer. */
const TURN_MS = 10;

export class StartQueue {
	/** By whom they are for: each has one place in the queue. */
	readonly #waiting = new Map<object, () => void>();
	readonly #timers = new Map<object, NodeJS.Timeout>();
	/** Whether this turn, or the next one, works on the queue. */
	#working = false;
	#closed = false;

	/** Calls `start` now, or in a later turn if there are others before it. */
	add(owner: object, start: () => void): void {
		if (this.#closed) return;
		this.#waiting.set(owner, start);
		if (!this.#working) this.#work();
	}

	/** The same, in so many milliseconds. */
	addLater(owner: object, start: () => void, ms: number): void {
		this.#timers.set(
			owner,
			setTimeout(() => this.add(owner, start), ms),
		);
	}

	/** Forgets what is to be started for somebody. */
	remove(owner: object): void {
		clearTimeout(this.#timers.get(owner));
		this.#timers.delete(owner);
		this.#waiting.delete(owner);
	}

	/** Nothing is started any more. */
	close(): void {
		this.#closed = true;
		for (const owner of [...this.#timers.keys(), ...this.#waiting.keys()])
			this.remove(owner);
	}

	#work(): void {
		this.#working = true;
		const end = monotonicMs() + TURN_MS;
		for (const [owner, start] of this.#waiting) {
			this.remove(owner);
			start();
			if (monotonicMs() >= end) break;
		}
		// Even if nothing is left: what else comes in this turn is not to start in it.
		setImmediate(() => {
			if (this.#waiting.size > 0) this.#work();
			else this.#working = false;
		});
	}
}
