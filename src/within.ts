import { MAX_DURATION_MS } from "./duration.ts";

/** Waits for a promise that never rejects, `ms` milliseconds at the most; they may be infinite. */
export async function within(
	promise: Promise<unknown>,
	ms: number,
): Promise<void> {
	const { promise: timeout, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, Math.min(ms, MAX_DURATION_MS));
	await Promise.race([promise, timeout]);
	clearTimeout(timer);
}
