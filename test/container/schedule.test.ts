/** A container of scheduled jobs alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findEvent } from "../helpers/events.ts";
import { jobThere, startService } from "../helpers/service.ts";
import { until } from "../helpers/until.ts";

const READY = { timeout: 60_000 };

test("a container of scheduled jobs alone stays up, and docker stop joins the run under way", async () => {
	await using service = await startService({
		stopTimeout: "10s",
		jobs: {
			short: { thread: jobThere("returning"), schedule: "* * * * * *", timeZone: "Europe/Berlin" },
			long: { command: ["sh", "-c", "trap : TERM; echo begun; sleep 1.5; echo complete"], schedule: { every: "2s" } },
		},
	});
	await service.waitForLine(/^complete/m, READY);
	await service.untilStatus(
		({ ready, jobs }) => ready && jobs.every(({ nextRun }) => nextRun !== undefined),
		"it is ready",
	);
	const counted = (await service.lines()).filter((line) => line === "begun").length;
	await until(
		async () => (await service.lines()).filter((line) => line === "begun").length > counted,
		"another run is under way",
	);
	await service.stop();
	assert.equal(await service.exitCode(), 0);
	const lines = await service.lines();
	const count = (text: string) => lines.filter((line) => line === text).length;
	assert.equal(count("complete"), count("begun"));
	const events = await service.events();
	const { report } = findEvent(events, "stop.finished");
	assert.ok(report.jobs.every(({ exit }) => exit.outcome === "finished" || exit.outcome === "exited"));
	const types = events.map(({ type }) => type);
	assert.ok(!types.slice(types.indexOf("stop.requested")).includes("job.started"));
});
