/** Property-based tests: the only file that names their package, and where their seed and their number come from. */
import type { TestContext } from "node:test";
import fc from "fast-check";
import { FULL } from "./figures.ts";

export { fc };

/** `LASTCALL_FUZZ_SEED=123 npm test faults/fuzz` tries the same cases again. */
const SEED = Number(process.env.LASTCALL_FUZZ_SEED) || Math.floor(Math.random() * 0x7fff_ffff);

export interface Runs {
	readonly short: number;
	/** In CI. @default as in the short form */
	readonly ci?: number;
	readonly full: number;
}

/**
 * Tries a property with many cases. A case that fails is made as small as possible, and named with the seed.
 *
 * @param runs how many cases: in the short form, and at full length.
 * @returns how many were tried
 */
export async function holds<Case>(
	test: TestContext,
	cases: fc.Arbitrary<Case>,
	runs: Runs,
	property: (one: Case) => void | Promise<void>,
): Promise<number> {
	const { short, ci = short, full } = runs;
	const numRuns = FULL ? full : process.env.CI === "true" ? ci : short;
	test.diagnostic(`LASTCALL_FUZZ_SEED=${SEED}`);
	await fc.assert(
		fc.asyncProperty(cases, async (one) => property(one)),
		{ seed: SEED, numRuns },
	);
	return numRuns;
}
