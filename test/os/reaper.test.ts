import assert from "node:assert/strict";
import { test } from "node:test";
import { livingDescendants } from "../../src/os/processes/processes.ts";
import { BINDINGS } from "../helpers/bindings.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { stormRun } from "../helpers/storm.ts";
import { until } from "../helpers/until.ts";
import { zombies } from "../helpers/zombies.ts";

/** test/faults/storms-children.test.ts has more of both. */
const storm = { orphans: 100, children: 6 };

for (const [binding, nodeFlags] of BINDINGS)
	test(`startReaper() as PID 1 through ${binding} reaps 100 orphans and takes no exit of a child of Node.js`, () =>
		stormRun({ ...storm, asInit: true, nodeFlags }));

test("startReaper() as a subreaper does the same", () => stormRun({ ...storm, asInit: false }));

test("startReaper() collects the children of a thread that has ended", async () => {
	await using lastcall = await startLastcall({
		jobs: { leaving: { thread: fixture("leaving"), essential: false }, main: { thread: fixture("waiting") } },
	});
	await lastcall.waitFor("job.exited", "leaving");
	// Its `sleep` outlives it, and ends as our child.
	await until(() => livingDescendants(lastcall.pid).length === 0, "the child of the thread has ended");
	await until(() => zombies(lastcall.pid) === 0, "no zombie is left");
});

test("startReaper() collects the zombies that a thread leaves behind in silence", async () => {
	await using lastcall = await startLastcall({
		logLevel: "debug",
		jobs: { leaving: { thread: fixture("leaving-zombies"), essential: false }, main: { thread: fixture("waiting") } },
	});
	await lastcall.waitFor("job.exited", "leaving");
	const reaped = () => lastcall.events.filter(({ type }) => type === "orphan.reaped");
	await until(() => reaped().length === 5, "all five are reaped");
	assert.equal(zombies(lastcall.pid), 0);
});
