import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_DURATION_MS } from "../../src/base/time.ts";
import { DELAY_MAX_MS, HEALTHY_MS, planRestart, type RestartPolicy } from "../../src/supervisor/starts.ts";

const policy: RestartPolicy = { when: "on-failure", delayMs: 1_000, maxRestarts: Number.POSITIVE_INFINITY };
const failed = { success: false, ms: 10, restarts: 0, failures: 1 };

test("planRestart() restarts as the policy says", () => {
	const cases = [
		["no", false, false],
		["no", true, false],
		["on-failure", false, true],
		["on-failure", true, false],
		["always", false, true],
		["always", true, true],
	] as const;
	for (const [when, success, expected] of cases) {
		const plan = planRestart({ ...policy, when }, { ...failed, success }, 0);
		assert.equal(plan !== undefined, expected, `${when}, success: ${success}`);
	}
});

test("planRestart() doubles the delay up to the cap, and adds up to a quarter", () => {
	const delays = (random: number) =>
		[0, 1, 2, 3, 10, 2_000].map((restarts) => planRestart(policy, { ...failed, restarts }, random)?.delayMs);
	const cap = DELAY_MAX_MS;
	assert.deepEqual(delays(0), [1_000, 2_000, 4_000, 8_000, cap, cap]);
	assert.deepEqual(
		delays(1),
		[1_000, 2_000, 4_000, 8_000, cap, cap].map((ms) => ms * 1.25),
	);
});

test("planRestart() leaves a delay over the cap as it is", () => {
	const slow = { ...policy, delayMs: 2 * DELAY_MAX_MS };
	assert.equal(planRestart(slow, { ...failed, restarts: 3 }, 0)?.delayMs, 2 * DELAY_MAX_MS);
});

test("planRestart() keeps to no delay, however often", () => {
	for (const restarts of [0, 10, 2_000]) {
		const run = { ...failed, restarts };
		const plan = planRestart({ ...policy, delayMs: 0 }, run, 1);
		assert.deepEqual(plan, { delayMs: 0, restarts: restarts + 1 });
	}
});

test("planRestart() begins anew after a healthy run", () => {
	const run = { success: false, ms: HEALTHY_MS, restarts: 7, failures: 0 };
	assert.deepEqual(planRestart({ ...policy, maxRestarts: 7 }, run, 0), { delayMs: 1_000, restarts: 1 });
	assert.equal(planRestart(policy, { ...run, ms: 9_999 }, 0)?.restarts, 8);
});

test("planRestart() ends after ten restarts for failures in a row where no limit is set, and never for runs that end well", () => {
	const unlimited = { ...policy, when: "always", maxRestarts: undefined } as const;
	const run = { ...failed, restarts: 10_000 };
	const goesOn = (failures: number, success = false) =>
		planRestart(unlimited, { ...run, failures, success }, 0) !== undefined;
	assert.ok(goesOn(10));
	assert.ok(!goesOn(11));
	assert.ok(goesOn(0, true));
});

test("planRestart() ends after maxRestarts in a row", () => {
	const limited = { ...policy, maxRestarts: 2 };
	assert.equal(planRestart(limited, { ...failed, restarts: 1 }, 0)?.restarts, 2);
	assert.equal(planRestart(limited, { ...failed, restarts: 2 }, 0), undefined);
	assert.equal(planRestart({ ...limited, maxRestarts: 0 }, failed, 0), undefined);
});

test("planRestart() never plans a delay that no timer can wait for", () => {
	const longest = { ...policy, delayMs: MAX_DURATION_MS };
	const plan = planRestart(longest, failed, 1);
	assert.equal(plan?.delayMs, MAX_DURATION_MS);
});
