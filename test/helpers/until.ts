import { setTimeout as sleep } from "node:timers/promises";

/** Waits until something is so; rejects after `timeout` milliseconds with what it was. */
export async function until(
	condition: () => boolean | Promise<boolean>,
	what: string,
	timeout = 10_000,
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
