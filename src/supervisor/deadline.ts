/** A moment that can only come nearer. Monotonic: the wall clock may jump. */
export class Deadline {
	/** Settles when the moment has come. */
	readonly passed: Promise<void>;
	readonly #resolve: () => void;
	#at: number;
	readonly #timer: NodeJS.Timeout;

	constructor(ms: number) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.passed = promise;
		this.#resolve = resolve;
		this.#at = performance.now() + ms;
		this.#timer = setTimeout(resolve, ms);
	}

	/** Milliseconds left; never negative. */
	get remainingMs(): number {
		return Math.max(0, this.#at - performance.now());
	}

	/** The moment is now. */
	expire(): void {
		clearTimeout(this.#timer);
		this.#at = performance.now();
		this.#resolve();
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

/** Waits for a promise, `ms` milliseconds at the most. */
export async function within(
	promise: Promise<unknown>,
	ms: number,
): Promise<void> {
	const { promise: timeout, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, ms);
	await Promise.race([promise, timeout]);
	clearTimeout(timer);
}
