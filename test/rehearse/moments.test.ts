import assert from "node:assert/strict";
import { test } from "node:test";
import { randomMoments } from "../../src/rehearse/moments.ts";

const sorted = (moments: readonly number[]) => moments.toSorted((a, b) => a - b);

test("randomMoments() gives the same moments for the same seed, and others for another", () => {
	assert.deepEqual(randomMoments(20, 3_000, 7), randomMoments(20, 3_000, 7));
	assert.notDeepEqual(randomMoments(20, 3_000, 7), randomMoments(20, 3_000, 8));
});

test("randomMoments() covers the whole time, half of it in the first quarter, in random order", () => {
	for (let seed = 0; seed < 200; seed++) {
		const moments = randomMoments(20, 3_000, seed);
		assert.equal(moments.length, 20);
		assert.ok(Math.min(...moments) >= 0 && Math.max(...moments) < 3_000);
		assert.equal(moments.filter((moment) => moment < 750).length, 10);
		assert.ok(Math.min(...moments) < 10 && Math.max(...moments) > 2_700, String(sorted(moments)));
		assert.notDeepEqual(moments, sorted(moments));
	}
});

test("randomMoments() can do with one run", () => {
	const [only = -1, ...rest] = randomMoments(1, 1_000, 1);
	assert.ok(only >= 0 && only < 1_000);
	assert.deepEqual(rest, []);
});
