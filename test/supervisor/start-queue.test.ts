import assert from "node:assert/strict";
import { test } from "node:test";
import { StartQueue } from "../../src/supervisor/starts.ts";
import { until } from "../helpers/until.ts";

/** Blocks, as the start of a process does. */
function block(ms: number): void {
	const end = performance.now() + ms;
	while (performance.now() < end);
}

/** A queue, and who was started by it. */
function makeQueue() {
	const queue = new StartQueue();
	const started: string[] = [];
	return {
		queue,
		started,
		start: (name: string) => () => {
			started.push(name);
			block(5);
		},
	};
}

const owners = Array.from({ length: 40 }, (_, index) => `${index}`).map((name) => ({ name }));

test("StartQueue starts the first at once, and all in their order", async () => {
	const { queue, started, start } = makeQueue();
	for (const owner of owners) queue.add(owner, start(owner.name));
	assert.deepEqual(started, ["0"]);
	await until(() => started.length === owners.length, "all are started");
	assert.deepEqual(
		started,
		owners.map(({ name }) => name),
	);
});

test("StartQueue lets the event loop turn between starts", async () => {
	const { queue, started, start } = makeQueue();
	let turns = 0;
	const timer = setInterval(() => turns++, 1);
	for (const owner of owners) queue.add(owner, start(owner.name));
	await until(() => started.length === owners.length, "all are started");
	clearInterval(timer);
	// Two starts of 5 ms fill a turn.
	assert.ok(turns >= 10, `${turns} turns`);
});

test("StartQueue starts nothing for whom was removed, and nothing once it is closed, delayed or not", async () => {
	const { queue, started, start } = makeQueue();
	const [first, second, third, fourth, last] = owners;
	assert.ok(first && second && third && fourth && last);
	for (const owner of [first, second, third]) queue.add(owner, start(owner.name));
	queue.addLater(fourth, start(fourth.name), 1);
	queue.remove(second);
	queue.remove(fourth);
	await until(() => started.length === 2, "the third is started");
	queue.addLater(fourth, start(fourth.name), 1);
	queue.add(last, start(last.name));
	queue.close();
	queue.add(first, start(first.name));
	// Whatever the queue had still to do comes before a timer that is later.
	await new Promise((resolve) => setTimeout(resolve, 5));
	await new Promise(setImmediate);
	assert.deepEqual(started.slice(0, 2), ["0", "2"]);
	assert.ok(!started.includes("3"), "it was delayed when the queue closed");
	assert.equal(started.filter((name) => name === "0").length, 1);
});
