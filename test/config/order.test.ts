import assert from "node:assert/strict";
import { test } from "node:test";
import { findCycle, orderInWaves } from "../../src/config/order.ts";

const graph = (edges: Record<string, string[]>) => new Map(Object.entries(edges));

test("orderInWaves() puts each job behind the longest way to it", () => {
	assert.deepEqual(orderInWaves(graph({ web: ["cache", "migrate"], migrate: ["db"], db: [], cache: [], log: [] })), [
		["db", "cache", "log"],
		["migrate"],
		["web"],
	]);
});

test("findCycle() names the way round, and nothing that only leads to it", () => {
	const cyclic = graph({ a: ["b"], b: ["c"], c: ["d"], d: ["b"] });
	assert.deepEqual(findCycle(cyclic), ["b", "c", "d", "b"]);
	assert.deepEqual(findCycle(graph({ a: ["a"] })), ["a", "a"]);
});

test("findCycle() takes two ways to one job for no cycle", () => {
	const diamond = graph({ a: ["b", "c"], b: ["d"], c: ["d"], d: [] });
	assert.equal(findCycle(diamond), undefined);
});
