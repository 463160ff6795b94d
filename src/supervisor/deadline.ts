/** A deadline that can only come nearer, and waits that end at it. */
import { monotonicMs, within } from "../base/time.ts";

/** A moment by the monotonic clock (the wall clock may jump). It is infinitely far away until it is set. */
export class Deadline {
	readonly #passed = Promise.withResolvers<void>();
	/** Settles when the moment has come. */
	readonly passed = this.#passed.promise;
	/** Ends the waits under way. (A `then()` of `passed` for each wait would be kept for as long as the program runs.) */
	readonly #wakers = new Set<() => void>();
	#at = Number.POSITIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;

	/** @param ms Milliseconds from now. */
	constructor(ms = Number.POSITIVE_INFINITY) {
		this.bringTo(ms);
	}

	/** Moves the deadline to `ms` milliseconds from now, unless it is nearer already. */
	bringTo(ms: number): void {
		const at = monotonicMs() + ms;
		if (at >= this.#at) return;
		this.#at = at;
		clearTimeout(this.#timer);
		if (ms > 0) this.#timer = setTimeout(() => this.#pass(), ms);
		else this.#pass();
	}

	/** Moves the deadline to this moment. */
	expire(): void {
		this.bringTo(0);
	}

	/** Whether the deadline is set. */
	get isSet(): boolean {
		return Number.isFinite(this.#at);
	}

	/** Milliseconds left; never negative. */
	get remainingMs(): number {
		return Math.max(0, this.#at - monotonicMs());
	}

	/**
	 * Waits for a promise that never rejects, for at most `ms` milliseconds and at most until the deadline. If it has not
	 * settled by then, it gets one more turn of the event loop: when the event loop is late, timers run before libuv
	 * reports the exits of threads and processes. A job that has stopped in time must not count as late.
	 *
	 * @returns Whether the promise has settled.
	 */
	async join(promise: Promise<unknown>, ms: number): Promise<boolean> {
		let settled = false;
		const { promise: over, resolve: wake } = Promise.withResolvers<void>();
		void promise.then(() => {
			settled = true;
			wake();
		});
		this.#wakers.add(wake);
		await within(over, Math.min(ms, this.remainingMs));
		this.#wakers.delete(wake);
		if (!settled) await new Promise(setImmediate);
		return settled;
	}

	#pass(): void {
		this.#passed.resolve();
		for (const wake of this.#wakers) wake();
	}
}
