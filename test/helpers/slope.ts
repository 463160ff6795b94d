/** Whether something grows: the line through a series of measurements, and how sure one can be of it. */

export interface Point {
	readonly minutes: number;
	readonly value: number;
}

export interface Slope {
	readonly perMinute: number;
	/** Standard error of the same. */
	readonly error: number;
}

/**
 * The line that fits best by least squares.
 *
 * @throws if there are fewer than three points, or all of one moment.
 */
export function fitSlope(points: readonly Point[]): Slope {
	const n = points.length;
	const x = mean(points.map(({ minutes }) => minutes));
	const y = mean(points.map(({ value }) => value));
	const sum = (of: (dx: number, dy: number) => number) =>
		points.reduce((all, p) => all + of(p.minutes - x, p.value - y), 0);
	const spread = sum((dx) => dx * dx);
	if (n < 3 || spread === 0)
		throw new Error(`Cannot fit a line to ${n} points, expected three or more at different moments`);
	const perMinute = sum((dx, dy) => dx * dy) / spread;
	const left = sum((dx, dy) => (dy - perMinute * dx) ** 2);
	return { perMinute, error: Math.sqrt(left / (n - 2) / spread) };
}

/** One point for each stretch of time: the median of what was measured in it, at its middle. Single spikes are gone then. */
export function smooth(points: readonly Point[], stretchMinutes: number): Point[] {
	const stretches = Map.groupBy(points, ({ minutes }) => Math.floor(minutes / stretchMinutes));
	return [...stretches].map(([index, some]) => ({
		minutes: (index + 0.5) * stretchMinutes,
		value: median(some.map(({ value }) => value)),
	}));
}

/** @throws if there are none. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const below = sorted[Math.floor((sorted.length - 1) / 2)];
	const above = sorted[Math.ceil((sorted.length - 1) / 2)];
	if (below === undefined || above === undefined) throw new Error("Found no values, expected one or more");
	return (below + above) / 2;
}

/** Medians of the first and of the last third. */
export function ends(points: readonly Point[]): { first: number; last: number } {
	const values = points.map(({ value }) => value);
	const third = Math.ceil(values.length / 3);
	return { first: median(values.slice(0, third)), last: median(values.slice(-third)) };
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}
