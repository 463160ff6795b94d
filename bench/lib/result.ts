/** What a measure found: the content of docs/benchmarks/speed.json. */

export interface Row {
	readonly contestant: string;
	/** By column, for instance `{ "p50, µs": 31.2, "p99, µs": 80 }`; a missing column was not measured. */
	readonly values: Readonly<Record<string, number>>;
}

/** What we set out to reach, and whether we did in this run. */
export interface Aim {
	/** For instance "p50 at most 2 × tini's". */
	readonly text: string;
	/** In the same unit: "at most" or "at least" is said by `text`, and decided by `met`. */
	readonly found: number;
	readonly limit: number;
	readonly met: boolean;
}

export function atMost(text: string, found: number, limit: number): Aim {
	return { text, found, limit, met: found <= limit };
}

export function atLeast(text: string, found: number, limit: number): Aim {
	return { text, found, limit, met: found >= limit };
}

export interface Result {
	/** File name of the measure, for instance "start". */
	readonly measure: string;
	/** For instance "From start to the program's first instruction". */
	readonly title: string;
	/** What was done, in a sentence or two; how many turns. */
	readonly method: string;
	/** The column the chart shows. */
	readonly chart: string;
	readonly rows: readonly Row[];
	readonly aims: readonly Aim[];
	/** Who does not take part, and why. */
	readonly absent: Readonly<Record<string, string>>;
}

export interface Run {
	/** ISO 8601, to the day. */
	readonly date: string;
	/** Processor, number of cores, kernel, Node.js: what a reader needs to judge the figures. */
	readonly machine: Readonly<Record<string, string>>;
	/** Versions by contestant. */
	readonly versions: Readonly<Record<string, string>>;
	readonly results: readonly Result[];
}
