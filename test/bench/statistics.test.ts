import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRuns } from "../../bench/lib/merge.ts";
import { atLeast, atMost, type Result } from "../../bench/lib/result.ts";
import { median, percentile } from "../../bench/lib/statistics.ts";
import { Samples, takeTurns } from "../../bench/lib/turns.ts";

test("percentile() is the nearest rank, whatever the order", () => {
	const values = [5, 1, 4, 2, 3];
	assert.deepEqual(
		[0, 20, 50, 99, 100].map((p) => percentile(values, p)),
		[1, 1, 3, 5, 5],
	);
	assert.equal(median([7]), 7);
	assert.deepEqual(values, [5, 1, 4, 2, 3]);
});

test("takeTurns() gives each its turn in every round, and begins with another one each time", async () => {
	const taken: string[] = [];
	await takeTurns(["a", "b", "c"], 3, async (player, turn) => {
		taken.push(`${player}${turn}`);
	});
	assert.equal(taken.join(" "), "a0 b0 c0 b1 c1 a1 c2 a2 b2");
});

test("Samples keeps what each has found in its order, and has nothing of others", () => {
	const samples = new Samples();
	samples.add("tini", 2);
	samples.add("tini", 1);
	assert.deepEqual(samples.of("tini"), [2, 1]);
	assert.deepEqual(samples.of("dumb-init"), []);
	assert.deepEqual(samples.names, ["tini"]);
});

test("an aim is met at its limit, and not beyond", () => {
	assert.deepEqual(
		[atMost("", 2, 2), atMost("", 2.1, 2), atLeast("", 2, 2), atLeast("", 1.9, 2)].map(({ met }) => met),
		[true, false, true, false],
	);
});

function result(measure: string, method: string): Result {
	return { measure, title: "", method, chart: "", rows: [], aims: [], absent: {} };
}

test("mergeRuns() has a measure replace its own earlier result alone, in the order of the measures", () => {
	const about = { date: "2026-01-01", machine: { kernel: "Linux" } };
	const earlier = {
		...about,
		versions: { tini: "1", s6: "2" },
		results: [result("start", "old"), result("stop", "old")],
	};
	const later = {
		date: "2026-01-02",
		machine: { kernel: "Linux 7" },
		versions: { tini: "3" },
		results: [result("stop", "new"), result("reap", "new")],
	};
	const order = ["start", "reap", "stop"];
	assert.deepEqual(mergeRuns(earlier, later, order), {
		date: "2026-01-02",
		machine: { kernel: "Linux 7" },
		versions: { tini: "3", s6: "2" },
		results: [result("start", "old"), result("reap", "new"), result("stop", "new")],
	});
	assert.deepEqual(mergeRuns(undefined, later, order).results.length, 2);
});
