/**
 * Milliseconds of a clock that nobody sets (CLOCK_MONOTONIC), since some moment: for differences only.
 *
 * It is the one of `performance.now()`. But the first look at `performance` loads a dozen modules of Node.js, in milliseconds that a
 * start has to wait for.
 */
export function monotonicMs(): number {
	return Number(process.hrtime.bigint()) / 1e6;
}
