import { within } from "../within.ts";

/** A moment that can only come nearer; it may be infinitely far away at first. Monotonic: the wall clock may jump. */
export class Deadline {
	/** Settles when the moment has come. */
	readonly passed: Promise<void>;
	readonly #resolve: () => void;
	#at = Number.POSITIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;

	/** @param ms Milliseconds from now. */
	constructor(ms = Number.POSITIVE_INFINITY) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.passed = promise;
		this.#resolve = resolve;
		this.bringTo(ms);
	}

	/** Brings it to so many milliseconds from now, unless it is nearer already. */
	bringTo(ms: number): void {
		const at = performance.now() + ms;
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
		return Math.max(0, this.#at - performance.now());
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
		const joined = promise.then(() => {
			settled = true;
		});
		await within(Promise.race([joined, this.passed]), ms);
		if (!settled) await new Promise(setImmediate);
		return settled;
	}
}
