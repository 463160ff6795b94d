import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Result, Run } from "../../bench/lib/result.ts";
import { renderComparisonParts } from "../../bench/render/comparison.ts";
import { readFaults, refresh } from "../../bench/render/page.ts";
import { renderParts } from "../../bench/render/parts.ts";
import { renderTable } from "../../bench/render/table.ts";
import { root } from "../../scripts/lib/paths.ts";
import { start, stop } from "./results.ts";

const DOCS = join(root, "docs");
const PAGE = join(DOCS, "benchmarks.md");
const COMPARISON = join(DOCS, "comparison.md");
const SPEED = join(DOCS, "benchmarks/speed.json");

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
	assert.match(aims ?? "", /start: at most 20 ms \| 31\.2 \| 20 \| no, by 56\.2 %/);
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

test("the figures in docs/benchmarks.md are those of the JSON beside it", () => {
	const run: Run = JSON.parse(readFileSync(SPEED, "utf8"));
	const written = readFileSync(PAGE, "utf8");
	assert.equal(refresh(written, renderParts(run, readFaults(DOCS))), written);
});

test("the figures in docs/comparison.md are those of the same JSON", () => {
	const run: Run = JSON.parse(readFileSync(SPEED, "utf8"));
	const written = readFileSync(COMPARISON, "utf8");
	const parts = renderComparisonParts(run, readFaults(DOCS));
	assert.equal(refresh(written, parts), written);
});

test("renderComparisonParts() takes a hand-written main for a contestant that has no threads", () => {
	const memory: Result = {
		...start,
		measure: "memory",
		rows: ["lastcall", "tini"].map((name, index) => ({
			contestant: `${name}: one program`,
			values: { "private dirty, MB": index + 0.5 },
		})),
	};
	const stops: Result = {
		...stop,
		rows: [
			{ contestant: "lastcall", values: { "2 threads": 11 } },
			{ contestant: "tini + node, by hand", values: { "2 threads": 12 } },
		],
	};
	const results = [start, memory, stops];
	const part = renderComparisonParts({ ...run, results }, undefined);
	const compared = part.get("compared") ?? "";
	assert.match(compared, /^\| lastcall \| – \| – \| 0\.500 \| 11 \| – \|$/m);
	assert.match(compared, /^\| tini \| – \| – \| 1\.50 \| 12 \| – \|$/m);
});
