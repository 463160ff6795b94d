import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample } from "../fixtures/soak/sample.ts";
import { growthInWords, measureGrowth, oldestZombie } from "./growth.ts";

const FLAT: Omit<Sample, "ms"> = {
	rss: 200_000,
	pss: 150_000,
	privateDirty: 120_000,
	descriptors: 60,
	sockets: 20,
	threads: 12,
	zombies: [],
	heap: { used: 17_000_000, external: 8_000_000, native: 20_000_000, activeResources: 40, timers: 5 },
};

/** Half an hour, a sample every three seconds; the first five minutes are wild. */
function samples(change: (minutes: number) => Partial<Sample>): Sample[] {
	return Array.from({ length: 600 }, (_, index) => {
		const ms = index * 3_000;
		const minutes = ms / 60_000;
		const wild = { rss: 900_000, descriptors: 500 };
		return { ...FLAT, ms, ...(minutes < 5 ? wild : change(minutes)) };
	});
}

test("measureGrowth() finds no growth in a flat series, whatever the warm-up was", () => {
	const { counts, memory } = measureGrowth(
		samples(() => ({})),
		5,
		0.5,
	);
	assert.deepEqual(counts.descriptors, { first: 60, last: 60 });
	assert.equal(memory.RSS.perMinute, 0);
	assert.equal(memory.heap.perMinute, 0);
});

test("measureGrowth() finds a descriptor lost each minute, and a heap that grows by a kibibyte each second", () => {
	const leaking = samples((minutes) => ({
		descriptors: 60 + Math.floor(minutes),
		heap: { used: 17_000_000 + minutes * 60 * 1024, external: 0, native: 0, activeResources: 0, timers: 0 },
	}));
	const growth = measureGrowth(leaking, 5, 0.5);
	assert.deepEqual(growth.counts.descriptors, { first: 69, last: 85 });
	assert.ok(Math.abs(growth.memory.heap.perMinute - 60) < 0.1);
	const words = growthInWords(growth);
	assert.equal(words["descriptors, first → last third"], "69 → 85");
	assert.equal(words["heap, KiB per minute"], "60.0 ± 0.0");
});

test("oldestZombie() is how long one and the same was seen", () => {
	const seen = [[], [7], [7, 8], [7], [8], [8], []].map((zombies, index) => ({ ...FLAT, ms: index * 1_000, zombies }));
	assert.equal(oldestZombie(seen), 2_000);
	assert.equal(oldestZombie([]), 0);
});
