import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { until } from "../helpers/until.ts";
import { isUp } from "../helpers/up.ts";

test("a stop signal that comes while Node.js is starting is not lost as PID 1", async () => {
	for (const [signal, delays] of [
		["SIGTERM", [0, 2, 10, 20, 40, 80]],
		["SIGINT", [1, 5, 30]],
	] as const) {
		for (const delay of delays) {
			await using lastcall = await startLastcall({
				jobs: { job: { thread: fixture("waiting"), readiness: "notify" } },
			});
			await until(() => isUp(lastcall.pid), "Node.js is up");
			await sleep(delay);
			lastcall.kill(signal);
			const { code } = await lastcall.exit();
			assert.equal(code, 0, `${signal} after ${delay} ms`);
			assert.equal(lastcall.event("signal.received").signal, signal);
		}
	}
});

test("an early signal stops the program before a job is started", async () => {
	await using lastcall = await startLastcall(
		{ jobs: { job: { thread: fixture("waiting"), readiness: "notify" } } },
		{ nodeFlags: ["--import", fixture("../stop-early")] },
	);
	assert.equal((await lastcall.exit()).code, 0);
	assert.equal(lastcall.event("signal.received").early, true);
	assert.deepEqual(lastcall.event("stop.finished").report.jobs, []);
});

test("SIGUSR1 does not open the inspector, and signals without a handler do nothing", async () => {
	await using lastcall = await startLastcall({ jobs: { job: { thread: fixture("waiting"), readiness: "notify" } } });
	await lastcall.waitFor("job.ready", "job");
	for (const signal of ["SIGUSR1", "SIGUSR2", "SIGHUP", "SIGQUIT"] as const) lastcall.kill(signal);
	await lastcall.lines.waitFor(/Caught signal 10 \(SIGUSR1\)/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	assert.doesNotMatch(lastcall.lines.text, /Debugger listening/);
	assert.equal(lastcall.event("stop.requested").reason.type, "signal");
});
