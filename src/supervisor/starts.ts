/** Whether and when a job that has ended is started again. */
import { MAX_DURATION_MS, monotonicMs } from "../base/time.ts";

export interface RestartPolicy {
	readonly when: "no" | "on-failure" | "always";
	/** Milliseconds before the first restart in a row; doubles with each further one. */
	readonly delayMs: number;
	/** Restarts in a row, without a healthy run between them. @default no limit, but for {@link MAX_FAILURES} */
	readonly maxRestarts: number | undefined;
}

/** A run that lasted so long was healthy: the next restart is the first in a row again. */
export const HEALTHY_MS = 10_000;
/**
 * Where nothing else is said a job has ended for good when it has failed once more than this in a row: some six minutes of a
 * crash loop. Without an end the platform would never hear of it.
 */
export const MAX_FAILURES = 10;
/** No delay grows beyond this, unless it began there. */
export const DELAY_MAX_MS = 60_000;
/** Up to so much is added at random, so that what failed together does not come back together. */
const JITTER = 0.25;

export interface EndedRun {
	readonly success: boolean;
	/** How long it lasted. */
	readonly ms: number;
	/** Restarts in a row before it; 0 for the first run. */
	readonly restarts: number;
	/** Runs in a row that were neither healthy nor a success, this one included. */
	readonly failures: number;
}

export interface Restart {
	readonly delayMs: number;
	/** Its number in the row: 1 for the first. */
	readonly restarts: number;
}

/**
 * @param random From 0 to 1.
 * @returns `undefined`: it has ended for good.
 */
export function planRestart(policy: RestartPolicy, run: EndedRun, random: number): Restart | undefined {
	if (policy.when === "no") return undefined;
	if (policy.when === "on-failure" && run.success) return undefined;
	const before = run.ms >= HEALTHY_MS ? 0 : run.restarts;
	const { maxRestarts } = policy;
	if (maxRestarts !== undefined && before >= maxRestarts) return undefined;
	if (maxRestarts === undefined && run.failures > MAX_FAILURES) return undefined;
	const cap = Math.max(DELAY_MAX_MS, policy.delayMs);
	// From some number on the power is infinite, and nothing times infinity no number.
	const factor = Math.min(2 ** before, Number.MAX_SAFE_INTEGER);
	const delay = Math.min(policy.delayMs * factor, cap);
	const jittered = Math.round(delay * (1 + JITTER * random));
	return {
		delayMs: Math.min(jittered, MAX_DURATION_MS),
		restarts: before + 1,
	};
}

// ==== from start-queue.ts

/**
 * Starts one after the other, a few in one turn of the event loop. To make a process or a thread blocks the main thread for
 * a millisecond and more: while a thousand of them start, signals are heard and questions answered all the same.
 */

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
		for (const owner of [...this.#timers.keys(), ...this.#waiting.keys()]) this.remove(owner);
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
