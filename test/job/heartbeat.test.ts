/** What a heartbeat costs a thread, and what a thread that runs shows without being asked. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startThreadJob } from "../helpers/thread-job.ts";
import { until } from "../helpers/until.ts";

const LOOKS = 100;

test("a look at an idle thread finds a sign of life, and does not wake the thread", async () => {
	await using idle = await startThreadJob("idle", { heartbeat: 1_000 });
	const { job } = idle;
	await until(() => job.hasShownLife(), "its event loop waits");
	const before = wakesOf("idle");
	let alive = 0;
	for (let look = 0; look < LOOKS; look++) {
		await sleep(2);
		if (job.hasShownLife()) alive++;
	}
	// On a loaded machine it may still be at its start, without a processor, for some of them.
	assert.ok(alive > LOOKS / 2, `${alive} signs of life`);
	const wakes = wakesOf("idle") - before;
	// V8 and Node.js have timers of their own.
	assert.ok(wakes < LOOKS / 2, `${wakes} wakes for ${LOOKS} looks`);
});

test("a look at a thread in a busy loop finds no sign of life", async () => {
	await using busy = await startThreadJob("busy", { heartbeat: 1_000 });
	// The first looks may see the end of its start.
	await until(() => !busy.job.hasShownLife(), "nothing moves");
	for (let look = 0; look < LOOKS; look++) assert.ok(!busy.job.hasShownLife());
});

/** How often the thread of that name has slept so far, for whatever it waited. */
function wakesOf(name: string): number {
	for (const task of readdirSync("/proc/self/task")) {
		const status = readFileSync(`/proc/self/task/${task}/status`, "utf8");
		if (new RegExp(`^Name:\\t${name}$`, "m").test(status))
			return Number(/^voluntary_ctxt_switches:\t(\d+)/m.exec(status)?.[1]);
	}
	throw new Error(`No thread ${name}`);
}
