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
	const end = performance.now() + timeout;
	while (!(await condition())) {
		if (performance.now() > end)
			throw new Error(
				`Waited ${timeout} ms until ${what}, but it was never so`,
			);
		await sleep(10);
	}
}
