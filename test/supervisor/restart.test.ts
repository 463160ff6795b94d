import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_DURATION_MS } from "../../src/base/time.ts";
import { DELAY_MAX_MS, HEALTHY_MS, planRestart, type RestartPolicy } from "../../src/supervisor/starts.ts";

const policy: RestartPolicy = { restart: "on-failure", restartDelay: 1_000, maxRestarts: Number.POSITIVE_INFINITY };
const first = { restarts: 0, failures: 0 };
const failed = { success: false, ms: 10 };

test("planRestart() restarts as the policy says", () => {
	const cases = [
		["no", false, false],
		["no", true, false],
		["on-failure", false, true],
		["on-failure", true, false],
		["always", false, true],
		["always", true, true],
	] as const;
	for (const [restart, success, expected] of cases) {
		const plan = planRestart({ ...policy, restart }, first, { ...failed, success }, 0);
		assert.equal(plan !== undefined, expected, `${restart}, success: ${success}`);
	}
});

test("planRestart() doubles the delay up to the cap, and adds up to a quarter", () => {
	const delays = (random: number) =>
		[0, 1, 2, 3, 10, 2_000].map((restarts) => planRestart(policy, { ...first, restarts }, failed, random)?.delayMs);
	const cap = DELAY_MAX_MS;
	assert.deepEqual(delays(0), [1_000, 2_000, 4_000, 8_000, cap, cap]);
	assert.deepEqual(
		delays(1),
		[1_000, 2_000, 4_000, 8_000, cap, cap].map((ms) => ms * 1.25),
	);
});

test("planRestart() leaves a delay over the cap as it is", () => {
	const slow = { ...policy, restartDelay: 2 * DELAY_MAX_MS };
	assert.equal(planRestart(slow, { ...first, restarts: 3 }, failed, 0)?.delayMs, 2 * DELAY_MAX_MS);
});

test("planRestart() keeps to no delay, however often", () => {
	for (const restarts of [0, 10, 2_000]) {
		const plan = planRestart({ ...policy, restartDelay: 0 }, { ...first, restarts }, failed, 1);
		assert.deepEqual(plan, { delayMs: 0, restarts: restarts + 1, failures: 1 });
	}
});

test("planRestart() begins anew after a healthy run", () => {
	const row = { restarts: 7, failures: 7 };
	const plan = planRestart({ ...policy, maxRestarts: 7 }, row, { ...failed, ms: HEALTHY_MS }, 0);
	assert.deepEqual(plan, { delayMs: 1_000, restarts: 1, failures: 0 });
	assert.equal(planRestart(policy, row, { ...failed, ms: HEALTHY_MS - 1 }, 0)?.restarts, 8);
});

test("planRestart() ends after ten restarts for failures in a row where no limit is set, and never for runs that end well", () => {
	const unlimited = { ...policy, restart: "always", maxRestarts: undefined } as const;
	const goesOn = (failures: number, success = false) =>
		planRestart(unlimited, { restarts: 10_000, failures }, { ...failed, success }, 0) !== undefined;
	assert.ok(goesOn(9));
	assert.ok(!goesOn(10));
	assert.ok(goesOn(10, true));
});

test("planRestart() ends after maxRestarts in a row", () => {
	const limited = { ...policy, maxRestarts: 2 };
	assert.equal(planRestart(limited, { ...first, restarts: 1 }, failed, 0)?.restarts, 2);
	assert.equal(planRestart(limited, { ...first, restarts: 2 }, failed, 0), undefined);
	assert.equal(planRestart({ ...limited, maxRestarts: 0 }, first, failed, 0), undefined);
});

test("planRestart() never plans a delay that no timer can wait for", () => {
	const longest = { ...policy, restartDelay: MAX_DURATION_MS };
	const plan = planRestart(longest, first, failed, 1);
	assert.equal(plan?.delayMs, MAX_DURATION_MS);
});
