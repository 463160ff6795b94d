/** Nearest-rank percentile of at least one value. @param p from 0 to 100 */
export function percentile(values: readonly number[], p: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	const rank = Math.ceil((p / 100) * sorted.length);
	return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
	return percentile(values, 50);
}
