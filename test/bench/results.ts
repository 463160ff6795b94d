/** Small results, as measures find them. */
import type { Result } from "../../bench/lib/result.ts";

export const start: Result = {
	measure: "start",
	title: "From start to the first instruction",
	method: "Two turns.",
	chart: "p50, ms",
	rows: [
		{ contestant: "lastcall", values: { "p50, ms": 31.24, runs: 1_200 } },
		{ contestant: "a|b", values: { "p50, ms": 0.04 } },
	],
	aims: [
		{ text: "at most 40 ms", found: 31.24, limit: 40, met: true },
		{ text: "at most 20 ms", found: 31.24, limit: 20, met: false },
	],
	absent: { bree: "has threads only", b: "has threads only" },
};

export const stop: Result = {
	...start,
	measure: "stop",
	rows: [
		{
			contestant: "lastcall",
			values: {
				"1 thread": 12,
				"1 thread (max)": 15.5,
				"8 threads": 30,
				"ms per thread": 2.5,
				"1 process": 9,
				killed: 0,
			},
		},
		{ contestant: "supervisord", values: { "1 process": 1_300, killed: 2 } },
	],
};
