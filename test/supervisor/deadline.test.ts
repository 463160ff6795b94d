import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MessageChannel } from "node:worker_threads";
import { monotonicMs } from "../../src/base/time.ts";
import { Deadline } from "../../src/supervisor/stop.ts";

const FAR_MS = 3_600_000;
const never = new Promise<never>(() => {});

/** Whether it settles before a timer of so many milliseconds. Timers run in their order, however late all of them are. */
async function isSooner(wait: Promise<unknown>, ms: number): Promise<boolean> {
	const control = new AbortController();
	const { signal } = control;
	const sooner = await Promise.race([wait.then(() => true), sleep(ms, false, { signal })]);
	control.abort();
	return sooner;
}

function deadlineIn(ms: number): Deadline {
	const deadline = new Deadline();
	deadline.bringTo(ms);
	return deadline;
}

/** A deadline that does not keep the test's process alive. */
function farDeadline(t: { after(clean: () => void): void }): Deadline {
	const deadline = deadlineIn(FAR_MS);
	t.after(() => deadline.bringTo(0));
	return deadline;
}

test("Deadline.passed settles when the time is over, not before", async () => {
	const start = monotonicMs();
	assert.ok(await isSooner(deadlineIn(50).passed, 500));
	assert.ok(monotonicMs() - start >= 48);
});

test("Deadline.remainingMs falls to 0 and stays there", async (t) => {
	const far = farDeadline(t);
	const first = far.remainingMs;
	assert.ok(first > FAR_MS / 2 && first <= FAR_MS, `${first} ms`);
	const near = deadlineIn(10);
	await near.passed;
	await untilZero(near);
	assert.equal(near.remainingMs, 0);
});

/** A timer may fire a fraction of a millisecond early. */
async function untilZero(deadline: Deadline): Promise<void> {
	while (deadline.remainingMs > 0) await new Promise(setImmediate);
}

test("Deadline.bringTo(0) makes it now: passed, and nothing remains", async () => {
	const deadline = deadlineIn(FAR_MS);
	deadline.bringTo(0);
	await deadline.passed;
	assert.equal(deadline.remainingMs, 0);
});

test("Deadline.join() ends with the promise when that is first", async (t) => {
	const deadline = farDeadline(t);
	assert.equal(await deadline.join(Promise.resolve(7), FAR_MS), true);
});

test("Deadline.join() ends after its own milliseconds when those are first", async (t) => {
	const deadline = farDeadline(t);
	const start = monotonicMs();
	const joined = deadline.join(never, 20);
	assert.ok(await isSooner(joined, 500));
	assert.ok(monotonicMs() - start >= 18);
	assert.equal(await joined, false);
});

test("Deadline.join() ends with the deadline when that is first", async () => {
	assert.equal(await deadlineIn(20).join(never, FAR_MS), false);
	const hurried = deadlineIn(FAR_MS);
	const joined = hurried.join(never, FAR_MS);
	hurried.bringTo(0);
	assert.equal(await joined, false);
});

test("Deadline.join() looks once more: who arrives in the deadline's own turn is in time", async () => {
	// As a thread's exit: an event that the loop has collected, but delivers after the timers of the same turn.
	const { port1, port2 } = new MessageChannel();
	const arrived = new Promise((resolve) => port1.once("message", resolve));
	// From here the loop's next turn begins, with its timers.
	await new Promise(setImmediate);
	const joined = deadlineIn(20).join(arrived, FAR_MS);
	port2.postMessage("gone");
	const starved = performance.now() + 40;
	while (performance.now() < starved);
	assert.equal(await joined, true);
	port1.close();
});

test("Deadline.join() keeps nothing of those that are over", async (t) => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as () => void;
	const deadline = farDeadline(t);
	const joinThousands = async () => {
		for (let turn = 0; turn < 8_000; turn++) await deadline.join(Promise.resolve(), FAR_MS);
		collect();
		return process.memoryUsage().heapUsed;
	};
	let before = await joinThousands();
	// What is kept is kept each time; the runtime itself may at times allocate as much.
	const grown: number[] = [];
	for (let turn = 0; turn < 3; turn++) {
		const after = await joinThousands();
		grown.push(after - before);
		before = after;
	}
	assert.ok(Math.min(...grown) < 400_000, `${grown} bytes`);
});
