/** A moment that can only come nearer, and bounded waits for it. */
import { monotonicMs, within } from "../base/time.ts";

/** A moment that can only come nearer; it may be infinitely far away at first. Monotonic: the wall clock may jump. */
export class Deadline {
	/** Settles when the moment has come. */
	readonly passed: Promise<void>;
	readonly #resolve: () => void;
	/** Of those who wait at this moment: a `then()` of `passed` would be kept for as long as the program runs. */
	readonly #wakers = new Set<() => void>();
	#at = Number.POSITIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;

	/** @param ms Milliseconds from now. */
	constructor(ms = Number.POSITIVE_INFINITY) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.passed = promise;
		this.#resolve = () => {
			resolve();
			for (const wake of this.#wakers) wake();
		};
		this.bringTo(ms);
	}

	/** Brings it to so many milliseconds from now, unless it is nearer already. */
	bringTo(ms: number): void {
		const at = monotonicMs() + ms;
		if (at >= this.#at) return;
		this.#at = at;
		clearTimeout(this.#timer);
		if (ms > 0) this.#timer = setTimeout(this.#resolve, ms);
		else this.#resolve();
	}

	/** Whether it is known when it will be. */
	get isSet(): boolean {
		return Number.isFinite(this.#at);
	}

	/** Milliseconds left; never negative. */
	get remainingMs(): number {
		return Math.max(0, this.#at - monotonicMs());
	}

	/** The moment is now. */
	expire(): void {
		this.bringTo(0);
	}

	/**
	 * Waits for a promise, `ms` milliseconds and until the deadline at the most. Then looks once more after a turn of the event loop:
	 * timers run before the exits of threads and processes that the same turn has collected, and on a starved machine
	 * a job that had stopped in time would be called late.
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
}
