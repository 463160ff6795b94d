/** 1,000 jobs that start and fail at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isSuccess } from "../../src/job/job.ts";
import { findEvent } from "../helpers/events.ts";
import { FULL, keepFigures } from "../helpers/figures.ts";
import { jobThere, type Service, startService } from "../helpers/service.ts";

const JOBS = 1_000;
const THREADS = FULL ? 16 : 8;
const RESTARTS = FULL ? 2 : 1;

const threads = Object.fromEntries(
	Array.from({ length: THREADS }, (_, index) => [`thread${index}`, { thread: jobThere("waiting") }]),
);

function processes(job: object) {
	return Object.fromEntries(Array.from({ length: JOBS }, (_, index) => [`process${index}`, job]));
}

/** Memory of PID 1, in MB. */
async function resident(service: Service): Promise<number> {
	const { stdout } = await service.exec(["cat", "/proc/1/status"]);
	return Number(/^VmRSS:\s*(\d+)/m.exec(stdout)?.[1]) / 1024;
}

test(`1,000 process jobs beside ${THREADS} threads start, fail, and start again at once: status answers all the while, memory is bounded, every failure is named`, async (t) => {
	await using service = await startService({
		jobs: {
			...threads,
			...processes({
				command: ["sh", "-c", "exit 3"],
				restart: "on-failure",
				restartDelay: "500ms",
				maxRestarts: RESTARTS,
				essential: false,
			}),
		},
	});
	await service.untilStatus(() => true, "it answers");
	let slowestMs = 0;
	let answers = 0;
	let most = 0;
	for (let ended = 0; ended < JOBS; ) {
		const start = performance.now();
		const { jobs } = await service.status();
		slowestMs = Math.max(slowestMs, performance.now() - start);
		answers++;
		most = Math.max(most, await resident(service));
		ended = jobs.filter(({ state }) => state === "ended").length;
	}
	const script = "lastcall status | head -1";
	const head = await service.exec(["sh", "-c", script]);
	assert.match(head.stdout, /^lastcall .*\n$/);
	assert.equal(head.stderr, "", "its reader has gone before the end");
	assert.ok(answers > 3, `${answers} answers`);
	assert.ok(most < 250 + 20 * THREADS, `${most} MB`);
	const { ms } = await service.stop();
	assert.equal(await service.exitCode(), 0);

	const events = await service.events();
	const { report } = findEvent(events, "stop.finished");
	assert.ok(report.tookMs < report.budgetMs, `took ${report.tookMs} ms`);
	const failed = report.jobs.filter(({ exit }) => !isSuccess(exit));
	assert.equal(report.jobs.length, JOBS + THREADS);
	assert.equal(failed.length, JOBS);
	for (const { job, exit } of failed) {
		assert.match(job, /^process\d+$/);
		assert.deepEqual(exit, { outcome: "exited", code: 3 });
	}
	const runs = events.filter((event) => event.type === "job.started" && event.kind === "process").length;
	assert.equal(runs, JOBS * (1 + RESTARTS));
	keepFigures(t, "storms", "1,000 jobs start and fail at once", {
		threads: THREADS,
		"starts of processes": runs,
		"status asked, times": answers,
		"slowest answer by docker exec, ms": Math.round(slowestMs),
		"memory of the init at most, MB": Math.round(most),
		"failures not named": JOBS - failed.length,
		"docker stop, ms": Math.round(ms),
	});
});

test("docker stop while 1,000 jobs are starting: heard at once, nothing is started any more, every one that runs is joined", async (t) => {
	await using service = await startService({ jobs: { ...threads, ...processes({ command: ["sleep", "1000"] }) } });
	await service.waitForLine(/"job":"process50"/, { timeout: 60_000 });
	const { ms } = await service.stop();
	assert.equal(await service.exitCode(), 0);
	const events = await service.events();
	const requested = events.findIndex(({ type }) => type === "stop.requested");
	const isStart = ({ type }: { type: string }) => type === "job.started";
	const started = events.filter(isStart).length;
	assert.ok(started < JOBS + THREADS, "it was in the middle of the start");
	assert.deepEqual(events.slice(requested).filter(isStart), []);
	const { report } = findEvent(events, "stop.finished");
	assert.ok(report.tookMs < report.budgetMs, `took ${report.tookMs} ms`);
	assert.equal(report.jobs.length, started);
	keepFigures(t, "storms", "docker stop while 1,000 jobs are starting", {
		"jobs started by then": started,
		"started after the request": 0,
		"docker stop, ms": Math.round(ms),
	});
});
