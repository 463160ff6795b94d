import assert from "node:assert/strict";
import { test } from "node:test";
import { ends, fitSlope, median, type Point, smooth } from "./slope.ts";

/** 25 minutes, a measurement every three seconds. */
function series(value: (minutes: number, index: number) => number): Point[] {
	return Array.from({ length: 500 }, (_, index) => {
		const minutes = (index * 3) / 60;
		return { minutes, value: value(minutes, index) };
	});
}

/** What a garbage collector makes of the memory: it rises, here by 4 MiB in 40 s, and falls at once. In KiB. */
const sawtooth = (minutes: number) => 80_000 + 4_096 * ((minutes * 1.5) % 1);
/** Repeatable, between -0.5 and 0.5. */
const noise = (index: number) => ((index * 7_919) % 1_009) / 1_009 - 0.5;

test("fitSlope() finds the line through points that lie on it, without an error", () => {
	const { perMinute, error } = fitSlope(series((minutes) => 7 + 3 * minutes));
	assert.ok(Math.abs(perMinute - 3) < 1e-9, `${perMinute}`);
	assert.ok(error < 1e-9, `${error}`);
});

test("fitSlope() has the standard error of the textbook", () => {
	// Residuals -1/3, 2/3, -1/3, of one degree of freedom; spread 2.
	const points = [0, 2, 2].map((value, minutes) => ({ minutes, value }));
	const { perMinute, error } = fitSlope(points);
	assert.ok(Math.abs(perMinute - 1) < 1e-12);
	assert.ok(Math.abs(error - Math.sqrt(6 / 9 / 2)) < 1e-12, `${error}`);
});

test("fitSlope() says that nothing can be said of two points, or of one moment", () => {
	const one = { minutes: 1, value: 1 };
	assert.throws(() => fitSlope([one, { minutes: 2, value: 1 }]), /2 points/);
	assert.throws(() => fitSlope([one, one, one]), /different moments/);
});

test("a flat series has no slope, whatever its saw-tooth and its noise", () => {
	const flat = series((t, i) => sawtooth(t) + 8_192 * noise(i));
	const { perMinute, error } = fitSlope(smooth(flat, 0.5));
	assert.ok(Math.abs(perMinute) < 3 * error, `${perMinute} ± ${error}`);
	assert.ok(error < 30, `${error}`);
});

test("a leak of 1 KiB a restart, ten restarts a second, shows through the same saw-tooth and noise", () => {
	const leak = 10 * 60;
	const leaking = series((t, i) => sawtooth(t) + leak * t + 8_192 * noise(i));
	const { perMinute, error } = fitSlope(smooth(leaking, 0.5));
	assert.ok(Math.abs(perMinute - leak) < 3 * error, `${perMinute} ± ${error}`);
	assert.ok(perMinute > leak / 2, `${perMinute}`);
});

test("smooth() takes single spikes out", () => {
	const spikes = series((_, i) => (i % 10 === 0 ? 1_000 : 50));
	assert.ok(smooth(spikes, 0.5).every(({ value }) => value === 50));
	assert.equal(smooth(spikes, 0.5).length, 50);
});

test("ends() compares the first third with the last: one more each minute is 16 more at the end", () => {
	const { first, last } = ends(series((minutes) => 40 + Math.floor(minutes)));
	assert.deepEqual([first, last], [44, 60]);
	assert.deepEqual(ends(series(() => 40)), { first: 40, last: 40 });
});

test("median() of an even number lies between the two in the middle", () => {
	assert.equal(median([4, 1, 3, 2]), 2.5);
	assert.equal(median([9, 1, 5]), 5);
	assert.throws(() => median([]), /no values/);
});
