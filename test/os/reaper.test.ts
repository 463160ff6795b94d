import assert from "node:assert/strict";
import { test } from "node:test";
import { livingDescendants } from "../../src/os/processes.ts";
import { fixture, startLastcall, WITHOUT_FFI } from "../helpers/lastcall.ts";
import { until } from "../helpers/until.ts";
import { zombies } from "../helpers/zombies.ts";

const ORPHANS = 5_000;

async function storm(
	asInit: boolean,
	nodeFlags: readonly string[] = [],
): Promise<void> {
	const spawning = { thread: fixture("spawning"), data: 200 };
	await using lastcall = await startLastcall(
		{
			logLevel: "debug",
			jobs: {
				orphans: { thread: fixture("orphaning"), data: ORPHANS },
				children: spawning,
				more: spawning,
			},
		},
		{
			asInit,
			nodeFlags: ["--import", fixture("../spawn-in-main"), ...nodeFlags],
		},
	);
	const timeout = 60_000;
	for (const line of [
		/^orphans: the shell ended with 0$/,
		/^children: 200 children, 0 wrong$/,
		/^more: 200 children, 0 wrong$/,
		/^main: 200 children, 0 wrong$/,
	])
		await lastcall.lines.waitFor(line, { timeout });
	await until(() => zombies(lastcall.pid) === 0, "no zombie is left");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	const reaped = lastcall.events.filter(({ type }) => type === "orphan.reaped");
	assert.ok(reaped.length >= ORPHANS, `reaped ${reaped.length}`);
}

test("startReaper() as PID 1 reaps 5,000 orphans and takes no exit of a child of Node.js", () =>
	storm(true));

test("startReaper() as a subreaper does the same", () => storm(false));

test("startReaper() through koffi does the same", () =>
	storm(true, WITHOUT_FFI));

test("startReaper() collects the children of a thread that has ended", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			leaving: {
				thread: fixture("leaving"),
				essential: false,
			},
			main: { thread: fixture("waiting") },
		},
	});
	await lastcall.waitFor("job.exited", "leaving");
	// Its `sleep` outlives it, and ends as our child.
	await until(
		() => livingDescendants(lastcall.pid).length === 0,
		"the child of the thread has ended",
	);
	await until(() => zombies(lastcall.pid) === 0, "no zombie is left");
});

test("startReaper() collects the zombies that a thread leaves behind in silence", async () => {
	await using lastcall = await startLastcall({
		logLevel: "debug",
		jobs: {
			leaving: { thread: fixture("leaving-zombies"), essential: false },
			main: { thread: fixture("waiting") },
		},
	});
	await lastcall.waitFor("job.exited", "leaving");
	const reaped = () =>
		lastcall.events.filter(({ type }) => type === "orphan.reaped");
	await until(() => reaped().length === 5, "all five are reaped");
	assert.equal(zombies(lastcall.pid), 0);
});
