import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Flag, RaisableFlag } from "../../src/job/context.ts";
import type { FlagThreadData, Way } from "../fixtures/flag.ts";
import { until } from "../helpers/until.ts";

const FILE = new URL("../fixtures/flag.ts", import.meta.url);
const ways: Way[] = ["isSet", "wait", "raised", "signal", "late signal"];

/** A thread that waits for a flag. Use with `await using`. */
class FlagThread implements AsyncDisposable {
	readonly #said: { readonly waiting?: string; readonly result?: unknown }[] = [];
	readonly #worker: Worker;
	readonly #way: Way;

	constructor(way: Way, flag: RaisableFlag, ms?: number) {
		const { memory } = flag;
		const data: FlagThreadData = { way, memory, ...(ms && { ms }) };
		this.#way = way;
		this.#worker = new Worker(FILE, { workerData: data });
		this.#worker.on("message", (message) => this.#said.push(message));
	}

	/** Resolves when it waits, and the kernel has laid it to sleep unless it is busy. */
	async waiting(): Promise<void> {
		await until(() => this.#said[0]?.waiting !== undefined, `it waits by ${this.#way}`);
		if (this.#way === "isSet") return;
		const stat = `/proc/${this.#said[0]?.waiting}/stat`;
		await until(() => /\) S /.test(readFileSync(stat, "utf8")), `it sleeps in ${this.#way}`);
	}

	async result(): Promise<unknown> {
		await until(() => this.#said[1] !== undefined, `it has seen the flag by ${this.#way}`);
		return this.#said[1]?.result;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#worker.terminate();
	}
}

for (const way of ways) {
	test(`Flag: a thread that waits by ${way} sees it raised`, async () => {
		const flag = new RaisableFlag();
		await using thread = new FlagThread(way, flag);
		await thread.waiting();
		flag.raise();
		assert.equal(await thread.result(), true);
	});

	test(`Flag: a thread that comes to wait by ${way} after it was raised sees it at once`, async () => {
		const flag = new RaisableFlag();
		flag.raise();
		await using thread = new FlagThread(way, flag);
		assert.equal(await thread.result(), true);
	});
}

test("RaisableFlag.raise() wakes all threads that wait for one flag, and raising it again does no harm", async () => {
	const flag = new RaisableFlag();
	await using stack = new AsyncDisposableStack();
	// One busy loop is enough for a small machine.
	const threads = ["wait", "wait", "raised", "raised", ...ways].map((way) =>
		stack.use(new FlagThread(way as Way, flag)),
	);
	await Promise.all(threads.map((thread) => thread.waiting()));
	flag.raise();
	flag.raise();
	const results = await Promise.all(threads.map((thread) => thread.result()));
	assert.deepEqual(
		results,
		threads.map(() => true),
	);
	assert.equal(new Flag(flag.memory).isSet, true);
});

for (const way of ["wait", "raised"] as const) {
	test(`Flag.${way}(ms) returns false when nobody has raised it`, async () => {
		const start = performance.now();
		await using thread = new FlagThread(way, new RaisableFlag(), 50);
		assert.equal(await thread.result(), false);
		assert.ok(performance.now() - start >= 50);
	});

	test(`Flag.${way}(ms) returns true when it is raised before`, async () => {
		const flag = new RaisableFlag();
		await using thread = new FlagThread(way, flag, 60_000);
		await thread.waiting();
		flag.raise();
		assert.equal(await thread.result(), true);
	});
}

test("Flag.isSet is false until it is raised, and true for good", async () => {
	const raisable = new RaisableFlag();
	const flag = new Flag(raisable.memory);
	assert.equal(flag.isSet, false);
	assert.equal(flag.signal.aborted, false);
	raisable.raise();
	assert.equal(flag.isSet, true);
	raisable.raise();
	assert.equal(flag.isSet, true);
	assert.equal(flag.wait(), true);
	assert.equal(await flag.raised(), true);
});

test("Flag.signal aborts what takes an AbortSignal", async () => {
	const flag = new RaisableFlag();
	const { signal } = new Flag(flag.memory);
	const { setTimeout: sleep } = await import("node:timers/promises");
	const sleeping = sleep(60_000, undefined, { signal });
	flag.raise();
	await assert.rejects(sleeping, { name: "AbortError" });
});

test("Flag takes milliseconds only: with anything else Atomics would wait for ever", async () => {
	const flag = new Flag(new RaisableFlag().memory);
	for (const ms of ["1s", Number.NaN, null] as unknown as number[]) {
		const error = {
			name: "TypeError",
			message: /^Cannot wait for \w+ (1s|NaN|null): expected milliseconds such as 1000$/,
		};
		assert.throws(() => flag.wait(ms), error);
		await assert.rejects(flag.raised(ms), error);
	}
	assert.deepEqual([flag.wait(0), await flag.raised(1)], [false, false]);
});
