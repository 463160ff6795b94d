/** The watch of a job, in simulated time: when it finds a hang, and what it must not take for one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Liveness, planWatch } from "../../src/supervisor/liveness.ts";
import { SimulatedTime } from "../helpers/simulated-time.ts";

const HEARTBEAT_MS = 1_000;

/** Watches a job that shows life when `shows` says so, and answers a check as `answer` does. */
function watched(
	liveness: Liveness,
	{ shows = () => true, answer = async () => {} }: { shows?: () => boolean; answer?: () => Promise<void> } = {},
) {
	const time = new SimulatedTime(1);
	const installed = time.install();
	const found: { at: number; what: string }[] = [];
	let looks = 0;
	const job = {
		hasShownLife() {
			looks++;
			return shows();
		},
	};
	const end = planWatch(liveness, (signal) => {
		looks++;
		const aborted = new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
		return Promise.race([answer(), aborted]);
	})(job, (what) => found.push({ at: time.now, what }));
	return {
		time,
		found,
		end,
		get looks() {
			return looks;
		},
		[Symbol.dispose]: () => installed[Symbol.dispose](),
	};
}

test("planWatch() finds a job without a heartbeat once, within one and a half times its limit", async () => {
	using watch = watched({ heartbeat: HEARTBEAT_MS }, { shows: () => watch.time.now < 5_000 });
	await watch.time.advance(20_000);
	const [first, ...more] = watch.found;
	assert.ok(first && first.at >= 6_000 && first.at <= 6_500, JSON.stringify(watch.found));
	assert.match(first.what, /^no heartbeat for 1\.\d s$/);
	assert.deepEqual(more, []);
});

test("planWatch() leaves a job alone that shows life just within its limit", async () => {
	let shownAt = 0;
	const shows = () => {
		if (watch.time.now - shownAt < HEARTBEAT_MS) return false;
		shownAt = watch.time.now;
		return true;
	};
	using watch = watched({ heartbeat: HEARTBEAT_MS }, { shows });
	await watch.time.advance(60_000);
	assert.deepEqual(watch.found, []);
});

test("planWatch() does not look at the clock that people set", async (t) => {
	let year = 2000;
	t.mock.method(Date, "now", () => Date.UTC(year++, 0));
	using watch = watched({ heartbeat: HEARTBEAT_MS });
	await watch.time.advance(60_000);
	assert.deepEqual(watch.found, []);
	assert.ok(watch.looks >= 4 * 59);
});

test("planWatch() gives a job its whole limit again when the init itself got no turn", async () => {
	using watch = watched({ heartbeat: HEARTBEAT_MS }, { shows: () => false });
	for (let time = 0; time < 10; time++) {
		await watch.time.advance(HEARTBEAT_MS);
		watch.time.now += 60_000;
	}
	await watch.time.advance(HEARTBEAT_MS);
	assert.deepEqual(watch.found, [], "it never had its limit");
	await watch.time.advance(HEARTBEAT_MS);
	assert.equal(watch.found.length, 1);
});

test("planWatch() counts checks that fail in a row", async () => {
	const answers = [false, false, true, false, false, true];
	const answer = async () => {
		if (answers.shift() !== true) throw new Error("status 503");
	};
	using watch = watched({ command: ["it"], interval: 1_000, timeout: 500 }, { answer });
	await watch.time.advance(8_500);
	assert.deepEqual(watch.found, []);
	await watch.time.advance(1_000);
	assert.deepEqual(watch.found, [{ at: 9_000, what: "3 checks in a row have failed, the last one: status 503" }]);
	await watch.time.advance(10_000);
	assert.equal(watch.looks, 9);
});

test("planWatch() ends a check after its time, and begins no other beside it", async () => {
	using watch = watched(
		{ command: ["it"], interval: 1_000, timeout: 500, retries: 2 },
		{ answer: () => new Promise(() => {}) },
	);
	await watch.time.advance(10_000);
	assert.deepEqual(watch.found, [
		{ at: 3_000, what: "2 checks in a row have failed, the last one: no answer in 500 ms" },
	]);
	assert.equal(watch.looks, 2);
});

test("planWatch() does not count a check in which the init itself got no turn", async () => {
	using watch = watched(
		{ command: ["it"], interval: 1_000, timeout: 500, retries: 1 },
		{ answer: () => new Promise(() => {}) },
	);
	await watch.time.advance(1_200);
	watch.time.now += 10_000;
	await watch.time.advance(1_400);
	assert.deepEqual(watch.found, []);
	await watch.time.advance(1_000);
	assert.deepEqual(
		watch.found.map(({ what }) => what),
		["no answer in 500 ms"],
	);
});

test("planWatch() checks nothing after its end, not even the rest of a check", async () => {
	const checked = { command: ["it"], interval: 1_000, timeout: 500, retries: 1 };
	for (const [liveness, ms] of [
		[checked, 900],
		[checked, 1_200],
		[{ heartbeat: HEARTBEAT_MS }, 1_200],
	] as const) {
		using watch = watched(liveness as Liveness, { shows: () => false, answer: () => new Promise(() => {}) });
		await watch.time.advance(ms);
		const { looks } = watch;
		watch.end();
		watch.end();
		await watch.time.advance(60_000);
		assert.equal(watch.looks, looks);
		assert.deepEqual(watch.found, []);
	}
});
