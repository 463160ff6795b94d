import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Result, Run } from "../../bench/lib/result.ts";
import { renderChart } from "../../bench/render/chart.ts";
import { readFaults, refresh } from "../../bench/render/page.ts";
import { renderParts } from "../../bench/render/parts.ts";
import { renderTable } from "../../bench/render/table.ts";
import { root } from "../../scripts/lib/paths.ts";

const DOCS = join(root, "docs");
const PAGE = join(DOCS, "benchmarks.md");
const SPEED = join(DOCS, "benchmarks/speed.json");

const start: Result = {
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

const stop: Result = {
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

const run: Run = {
	date: "2026-01-31",
	machine: { cores: "2" },
	versions: { lastcall: "1.2.3" },
	results: [start, stop],
};

const page = `# Title
<!-- figures: aims -->
of an earlier run
<!-- end -->
by hand
<!-- figures: start -->
<!-- end -->
`;

test("renderTable() has a row for each contestant and a column for each figure, with three digits", () => {
	assert.equal(
		renderTable(start),
		`|  | p50, ms | runs |
| --- | ---: | ---: |
| lastcall | 31.2 | 1,200 |
| a\\|b | 0.0400 | – |`,
	);
});

test("renderTable() makes a table for each kind of member, with the longest in brackets", () => {
	assert.equal(
		renderTable(stop),
		`|  | 1 thread | 8 threads | ms per thread | killed |
| --- | ---: | ---: | ---: | ---: |
| lastcall | 12 (15.5) | 30 | 2.50 | 0 |

|  | 1 process | killed |
| --- | ---: | ---: |
| lastcall | 9 | 0 |
| supervisord | 1,300 | 2 |`,
	);
});

test("renderParts() says of each aim whether it was met, and by how much not", () => {
	const aims = renderParts(run, undefined).get("aims");
	assert.match(aims ?? "", /start: at most 40 ms \| 31\.2 \| 40 \| yes/);
	assert.match(
		aims ?? "",
		/start: at most 20 ms \| 31\.2 \| 20 \| no, by 56\.2 %/,
	);
});

test("renderParts() says how it was measured, and who is not there and why", () => {
	const part = renderParts(run, undefined).get("start") ?? "";
	assert.match(part, /^!\[From start to .+\]\(benchmarks\/start\.svg\)$/m);
	assert.match(part, /^Two turns\.$/m);
	assert.match(part, /^Not here: bree, b \(has threads only\)\.$/m);
});

test("renderParts() has a table for each topic of the reliability figures", () => {
	const faults = { storms: { orphans: { made: 100_000, left: 0 } } };
	assert.equal(
		renderParts(undefined, faults).get("faults"),
		`### Storms

| what | counted |
| --- | --- |
| orphans | made: 100,000; left: 0 |`,
	);
});

test("refresh() changes what stands between markers, and nothing else", () => {
	const parts = new Map([["aims", "new"]]);
	assert.equal(refresh(page, parts), page.replace("of an earlier run", "new"));
	assert.equal(refresh(refresh(page, parts), parts), refresh(page, parts));
});

test("refresh() says where it expected the place of a part", () => {
	assert.throws(
		() => refresh(page, new Map([["memory", "new"]])),
		/Cannot place "memory", expected a line "<!-- figures: memory -->"/,
	);
});

test("renderChart() draws each contestant, with text as text, for light and dark pages", async () => {
	const bars = await renderChart(start);
	assert.match(bars, /^<svg [^>]+>.*<\/svg>\n$/s);
	assert.match(bars, /<text[^>]*>lastcall<\/text>/);
	assert.match(bars, /<text[^>]*>31\.2<\/text>/);
	assert.match(bars, /prefers-color-scheme:dark/);
	const lines = await renderChart(stop);
	assert.match(lines, /<text[^>]*>threads<\/text>/);
	assert.match(lines, /<text[^>]*>processes<\/text>/);
});

test("the figures in docs/benchmarks.md are those of the JSON beside it", () => {
	const run: Run = JSON.parse(readFileSync(SPEED, "utf8"));
	const written = readFileSync(PAGE, "utf8");
	assert.equal(refresh(written, renderParts(run, readFaults(DOCS))), written);
});

test("the pictures are made from the same JSON", async () => {
	const { results }: Run = JSON.parse(readFileSync(SPEED, "utf8"));
	for (const result of results) {
		const path = join(DOCS, `benchmarks/${result.measure}.svg`);
		assert.ok(existsSync(path), path);
		assert.equal(readFileSync(path, "utf8"), await renderChart(result));
	}
});
