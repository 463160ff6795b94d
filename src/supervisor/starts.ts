/** When jobs are started: the delay before a restart, and the queue of all starts. */
import { MAX_DURATION_MS, monotonicMs } from "../base/time.ts";
import type { JobSettings } from "../config/schema.ts";

export type RestartPolicy = Pick<JobSettings, "restart" | "restartDelay" | "maxRestarts">;

/** A run that lasted this long was healthy: after it restarts and failures are counted from 0 again. */
export const HEALTHY_MS = 10_000;
/**
 * Without `maxRestarts`, a job that fails more often than this in a row has ended for good: a crash loop lasts about
 * six minutes. If the restarts never ended, the platform would never learn of the failure.
 */
const MAX_FAILURES = 10;
/** The delay does not grow beyond this. A configured delay may be longer from the beginning. */
export const DELAY_MAX_MS = 60_000;
/** Up to this share of the delay is added at random, so that jobs that failed together do not restart together. */
const JITTER = 0.25;

/** In a row: restarts without a healthy run between them, and runs that were neither healthy nor a success. */
export type Streak = Readonly<{ restarts: number; failures: number }>;

/**
 * Decides whether and when a job is started again after a run of `ms` milliseconds that has ended by itself.
 *
 * @param random From 0 to 1.
 * @returns The delay in milliseconds, and the counts with this restart; `undefined`: the job has ended for good.
 */
export function planRestart(
	{ restart, restartDelay, maxRestarts }: RestartPolicy,
	streak: Streak,
	{ success, ms }: { readonly success: boolean; readonly ms: number },
	random: number,
): (Streak & { readonly delayMs: number }) | undefined {
	if (restart === "no" || (restart === "on-failure" && success)) return undefined;
	const isHealthy = ms >= HEALTHY_MS;
	const restarts = isHealthy ? 0 : streak.restarts;
	const failures = isHealthy || success ? 0 : streak.failures + 1;
	if (maxRestarts === undefined ? failures > MAX_FAILURES : restarts >= maxRestarts) return undefined;
	// 2 ** 1024 is Infinity, and 0 * Infinity is NaN.
	const factor = Math.min(2 ** restarts, Number.MAX_SAFE_INTEGER);
	const delay = Math.min(restartDelay * factor, Math.max(DELAY_MAX_MS, restartDelay));
	const jittered = Math.round(delay * (1 + JITTER * random));
	return { delayMs: Math.min(jittered, MAX_DURATION_MS), restarts: restarts + 1, failures };
}

/** After this time no further start begins in the same turn of the event loop. */
const TURN_MS = 10;

/**
 * Starts jobs one after the other, a few in each turn of the event loop. Each start blocks the main thread for a
 * millisecond or more. Between the turns the init takes signals and answers requests, even while a thousand jobs start.
 */
export class StartQueue {
	/** The starts by owner. Each owner has one place in the queue. */
	readonly #waiting = new Map<object, () => void>();
	readonly #timers = new Map<object, NodeJS.Timeout>();
	/** Whether this turn has worked on the queue, or the next one will. */
	#working = false;
	#closed = false;

	/** Calls `start` now, or after the starts that wait already, perhaps in a later turn. */
	add(owner: object, start: () => void): void {
		if (this.#closed) return;
		this.#waiting.set(owner, start);
		if (!this.#working) this.#work();
	}

	/** Adds `start` in `ms` milliseconds. */
	addLater(owner: object, start: () => void, ms: number): void {
		if (this.#closed) return;
		const timer = setTimeout(() => this.add(owner, start), ms);
		this.#timers.set(owner, timer);
	}

	/** Removes the owner's start from the queue. */
	remove(owner: object): void {
		clearTimeout(this.#timers.get(owner));
		this.#timers.delete(owner);
		this.#waiting.delete(owner);
	}

	/** Nothing is started from now on. */
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
		// Even if the queue is empty: a start that is added later in this turn waits for the next turn.
		setImmediate(() => {
			if (this.#waiting.size > 0) this.#work();
			else this.#working = false;
		});
	}
}
