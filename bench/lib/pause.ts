import { setTimeout as sleep } from "node:timers/promises";
import { Interrupted, onInterruption, throwIfInterrupted } from "../../scripts/lib/interruption.ts";

/** Waits; rejects when the benchmark is interrupted. */
export async function pause(ms: number): Promise<void> {
	throwIfInterrupted();
	const interruption = new AbortController();
	using _ = onInterruption((signal) => interruption.abort(new Interrupted(signal)));
	try {
		await sleep(ms, undefined, { signal: interruption.signal });
	} catch {
		throw interruption.signal.reason;
	}
}
