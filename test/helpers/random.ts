/** Numbers that look random and are the same in each run, so that what failed can be seen again. */

/** @default 1, or LASTCALL_FAULTS_SEED */
export const SEED = Number(process.env.LASTCALL_FAULTS_SEED ?? 1);

export interface Random {
	/** From 0 to below 1. */
	next(): number;
	/** A whole number from `min` to below `max`. */
	between(min: number, max: number): number;
}

/** Mulberry32: 32 bits of state, good enough for moments in time. */
export function seededRandom(seed = SEED): Random {
	let state = seed;
	const next = () => {
		state = (state + 0x6d2b79f5) | 0;
		let word = Math.imul(state ^ (state >>> 15), state | 1);
		word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
		return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
	};
	return { next, between: (min, max) => min + Math.floor(next() * (max - min)) };
}
