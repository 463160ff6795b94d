import assert from "node:assert/strict";
import { test } from "node:test";
import { flushMaxMs, flushStallMs, planBudget, stragglerStopMs } from "../../src/config/stop-timeout.ts";

/** From nothing to a day, dense where the rule changes: 1, 5 and 10 seconds. */
const totals = [
	0,
	1,
	86_400_000,
	...Array.from({ length: 300 }, (_, index) => index * 50 + 7),
	...[1_000, 5_000, 10_000].flatMap((at) => [at - 1, at, at + 1]),
];
const plans = totals.map((total) => planBudget(total));

test("planBudget() gives every part something, and only nothing of nothing", () => {
	for (const { totalMs, drainMs: _, ...shares } of plans)
		for (const [name, ms] of Object.entries(shares)) assert.equal(ms > 0, totalMs > 0, `${name} of ${totalMs}: ${ms}`);
});

test("planBudget() never spends more than the total", () => {
	for (const plan of plans) {
		const { jobsMs, locateMs, killMs, totalMs } = plan;
		const { stragglerKillMs, flushMs, exitMs } = plan;
		const killing = locateMs + killMs + stragglerKillMs;
		const sum = jobsMs + killing + flushMs + exitMs;
		assert.ok(sum <= totalMs, JSON.stringify(plan));
	}
});

test("planBudget() gives the jobs at least half of the total", () => {
	for (const { jobsMs, totalMs } of plans) assert.ok(jobsMs >= totalMs / 2);
});

test("planBudget() reserves a tenth, from half a second to a second", () => {
	const reserve = (total: number) => total - planBudget(total).jobsMs;
	assert.equal(reserve(2_000), 500);
	assert.equal(reserve(5_000), 500);
	assert.equal(reserve(8_000), 800);
	assert.equal(reserve(10_000), 1_000);
	assert.equal(reserve(90_000), 1_000);
});

test("planBudget() gives the jobs more of a longer total", () => {
	const sorted = [...plans].sort((a, b) => a.totalMs - b.totalMs);
	sorted.reduce((shorter, longer) => {
		assert.ok(longer.jobsMs >= shorter.jobsMs, JSON.stringify(longer));
		return longer;
	});
});

test("stragglerStopMs() lets the stop end in time, even when every job had to be killed", () => {
	for (const budget of plans) {
		const { jobsMs, locateMs, killMs, totalMs } = budget;
		const { stragglerKillMs, flushMs, exitMs } = budget;
		for (const part of [0, 0.1, 0.5, 0.9, 1]) {
			const elapsed = part * (jobsMs + locateMs + killMs);
			const stop = stragglerStopMs(budget, elapsed);
			const end = elapsed + stop + stragglerKillMs + flushMs + exitMs;
			// But for the rounding of a sum.
			assert.ok(end <= totalMs + 1e-6, `${totalMs}, ${part}: ends at ${end}`);
			assert.ok(stop >= stragglerKillMs, `${totalMs}, ${part}: ${stop}`);
		}
	}
});

test("stragglerStopMs() is all that is left but a reserve, and something even when it is late", () => {
	const budget = planBudget(30_000);
	assert.equal(stragglerStopMs(budget, 0), 29_700);
	assert.equal(stragglerStopMs(budget, 20_000), 9_700);
	assert.equal(stragglerStopMs(budget, 60_000), budget.stragglerKillMs);
});

test("flushStallMs() waits for a starved reader while there is time, and never longer than is left", () => {
	const budget = planBudget(10_000);
	const stall = (elapsed: number) => flushStallMs(budget, flushMaxMs(budget, elapsed));
	assert.equal(stall(20), 500);
	assert.equal(stall(9_000), 212.5);
	assert.equal(stall(9_850), budget.flushMs);
	assert.equal(stall(60_000), budget.flushMs);
});
