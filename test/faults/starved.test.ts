/** More jobs that turn in circles than processors: the stop ends by itself, with its report, before the engine's SIGKILL. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findEvent } from "../helpers/events.ts";
import { keepFigures } from "../helpers/figures.ts";
import { jobThere, startService } from "../helpers/service.ts";

const SECONDS = 5;

const SPIN = "trap '' TERM; while :; do :; done";

for (const { what, count, job } of [
	...[8, 16, 32, 60].map((count) => ({
		what: "threads",
		count,
		job: { thread: jobThere("spinning"), readiness: "notify" },
	})),
	{ what: "processes", count: 60, job: { command: ["sh", "-c", SPIN] } },
])
	test(`${count} spinning ${what} on two processors, ${SECONDS} s: the stop ends by itself, and names each`, async (t) => {
		const jobs = Array.from({ length: count }, (_, index) => [
			`spinning${index}`,
			job,
		]);
		await using service = await startService(
			{ stopTimeout: `${SECONDS}s`, jobs: Object.fromEntries(jobs) },
			{ flags: ["--cpuset-cpus=0,1"] },
		);
		await service.untilStatus(
			({ jobs }) => jobs.every(({ state }) => state === "ready"),
			"all are spinning",
			120_000,
		);
		const { ms } = await service.stop(SECONDS);
		assert.equal(await service.exitCode(), 124);
		const { report } = findEvent(await service.events(), "stop.finished");
		assert.equal(report.jobs.length, count);
		assert.ok(report.jobs.every(({ killed }) => killed));
		keepFigures(t, "storms", `${count} spinning ${what}, ${SECONDS} s`, {
			"stop, ms": Math.round(report.tookMs),
			"docker stop, ms": Math.round(ms),
			"of them found": report.jobs.filter(({ killed }) => killed?.where).length,
		});
	});
