/** The pictures are drawn by packages that `npm run bench` and `npm run test:all` install. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Run } from "../../bench/lib/result.ts";
import { renderChart } from "../../bench/render/chart.ts";
import { root } from "../../scripts/lib/paths.ts";
import { needsPeers } from "../helpers/peers.ts";
import { start, stop } from "./results.ts";

const options = needsPeers();
const PICTURES = join(root, "docs/benchmarks");

test("renderChart() draws each contestant, with text as text, for light and dark pages", options, async () => {
	const bars = await renderChart(start);
	assert.match(bars, /^<svg [^>]+>.*<\/svg>\n$/s);
	assert.match(bars, /<text[^>]*>lastcall<\/text>/);
	assert.match(bars, /<text[^>]*>31\.2<\/text>/);
	assert.match(bars, /prefers-color-scheme:dark/);
	const lines = await renderChart(stop);
	assert.match(lines, /<text[^>]*>threads<\/text>/);
	assert.match(lines, /<text[^>]*>processes<\/text>/);
});

test("the pictures are made of docs/benchmarks.md are made from the JSON beside it", options, async () => {
	const { results }: Run = JSON.parse(readFileSync(join(PICTURES, "speed.json"), "utf8"));
	for (const result of results) {
		const path = join(PICTURES, `${result.measure}.svg`);
		assert.equal(readFileSync(path, "utf8"), await renderChart(result), path);
	}
});
