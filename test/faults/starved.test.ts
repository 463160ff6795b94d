/**
 * More jobs that turn in circles than processors: the stop ends by itself before the engine's SIGKILL, and names who was late. Where
 * somebody else takes the processors, too, the report may come too late: then the guard says the last words.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt } from "../../src/base/errors.ts";
import { findEvent } from "../helpers/events.ts";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { jobThere, startService } from "../helpers/service.ts";

const SECONDS = 5;

const SPIN = "trap '' TERM; while :; do :; done";

for (const { what, count, job } of [
	...(FULL ? [8, 16, 32, 60] : [8, 60]).map((count) => ({
		what: "threads",
		count,
		job: { thread: jobThere("spinning"), readiness: "notify" },
	})),
	{ what: "processes", count: 60, job: { command: ["sh", "-c", SPIN] } },
])
	test(`${count} spinning ${what} on two processors, ${SECONDS} s: the stop ends by itself, and names each`, async (t) => {
		const jobs = Array.from({ length: count }, (_, index) => [`spinning${index}`, job]);
		await using service = await startService(
			{ stopTimeout: `${SECONDS}s`, jobs: Object.fromEntries(jobs) },
			{ flags: ["--cpuset-cpus=0,1"] },
		);
		await service.untilStatus(({ jobs }) => jobs.every(({ state }) => state === "ready"), "all are spinning", 120_000);
		const { ms } = await service.stop(SECONDS);
		assert.equal(await service.exitCode(), 124);
		const events = await service.events();
		const report = attempt(() => findEvent(events, "stop.finished").report);
		if (report) {
			assert.equal(report.jobs.length, count);
			assert.ok(report.jobs.every(({ killed }) => killed));
			assert.ok(report.tookMs < report.budgetMs);
		} else {
			const { stderr } = await service.logs();
			assert.match(stderr, /^lastcall: The stop timeout of 5\.0 s is over, still waiting for spinning/m);
		}
		keepFigures(t, "storms", `${count} spinning ${what}, ${SECONDS} s`, {
			"stop, ms": report ? Math.round(report.tookMs) : "by the guard",
			"docker stop, ms": Math.round(ms),
		});
	});
