/** The random moments at which the stop signal comes. The same seed gives the same moments. */

/**
 * Half of the moments are in the first quarter of the time, because most lost stop signals are lost during the start.
 * Each moment is drawn from its own part of the time. So even a few runs cover the whole time.
 *
 * @returns Milliseconds after the start, in random order.
 */
export function randomMoments(runs: number, withinMs: number, seed: number): number[] {
	const random = randomNumbers(seed);
	const moments = Array.from({ length: runs }, (_, index) => withinMs * ((index + random()) / runs) ** 2);
	for (let last = runs - 1; last > 0; last--) {
		const other = Math.floor(random() * (last + 1));
		[moments[last], moments[other]] = [moments[other] as number, moments[last] as number];
	}
	return moments;
}

/** Returns a generator of numbers from 0 to 1: it mixes the words of a Weyl sequence (splitmix32). */
function randomNumbers(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x9e37_79b9) >>> 0;
		let word = state;
		word = Math.imul(word ^ (word >>> 16), 0x21f0_aaad);
		word = Math.imul(word ^ (word >>> 15), 0x735a_2d97);
		return ((word ^ (word >>> 15)) >>> 0) / 2 ** 32;
	};
}
