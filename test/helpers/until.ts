import { setTimeout as sleep } from "node:timers/promises";

/**
 * The bound of every wait. It keeps a fault from hanging the tests and measures nothing: a machine that is starved by
 * somebody else must not reach it.
 */
export const PATIENCE_MS = 60_000;

/** Waits until something is so; rejects after `timeout` milliseconds with what it was. */
export async function until(
	condition: () => boolean | Promise<boolean>,
	what: string,
	timeout = PATIENCE_MS,
): Promise<void> {
	const start = performance.now();
	while (!(await condition())) {
		const waited = performance.now() - start;
		if (waited > timeout) throw new Error(`Waited ${timeout} ms until ${what}, but it was never so`);
		// A look may cost much of a processor that others need. The wait is longer by a tenth at most.
		await sleep(Math.min(Math.max(10, waited / 10), 100));
	}
}
