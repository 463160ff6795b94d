/** 10,000 signals, as fast as a program in the container can send them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { wasKilled } from "../../src/job/job.ts";
import { compile } from "../helpers/c-programs.ts";
import type { TestDirectory } from "../helpers/directory.ts";
import { type Container, runContainer } from "../helpers/docker.ts";
import { findEvent } from "../helpers/events.ts";
import { keepFigures } from "../helpers/figures.ts";
import { exampleImage } from "../helpers/images.ts";
import { jobThere, startService } from "../helpers/service.ts";

const SIGNALS = 10_000;
const SIGINT = 2;
const SIGTERM = 15;
const REAL_TIME = [34, 35, 40, 50, 64];
/** HUP QUIT USR1 USR2 ALRM CONT WINCH: what `run` passes on. */
const FORWARDED = [1, 3, 10, 12, 14, 18, 28];
const READY = { timeout: 60_000 };

let programs: TestDirectory;
before(async () => {
	programs = await compile("send-signals", "count-signals");
});
after(() => programs[Symbol.dispose]());

const volume = () => `--volume=${programs.path}:/c:ro`;

/** Sends so many to PID 1, the given ones in turn. */
async function send(to: Container, count: number, ...signals: number[]): Promise<void> {
	const command = ["/c/send-signals", "1", count, ...signals].map(String);
	const { code, stdout, stderr } = await to.exec(command);
	assert.equal(code, 0, stdout + stderr);
}

/** What count-signals has printed: how many of each have come. */
function countsIn(text: string): Map<number, number> {
	const lines = text.matchAll(/^(\d+): (\d+)$/gm);
	return new Map(Array.from(lines, ([, signal, count]) => [Number(signal), Number(count)]));
}

for (const major of [26, 24] as const)
	test(`Node.js ${major}, in place of tini: of 10,000 queued real-time signals none is lost, nor the SIGTERM behind them, of 10,000 more of which nothing comes but the end`, async (t) => {
		await using container = await runContainer({
			image: await exampleImage(major),
			flags: [volume()],
			args: ["--", "/c/count-signals", "2000"],
		});
		await container.waitForLine(/^counting$/, READY);
		await send(container, SIGNALS, ...REAL_TIME);
		await send(container, SIGNALS, SIGTERM);
		assert.equal(await container.wait(60_000), 0);
		const { stdout, stderr } = await container.logs();
		assert.equal(stderr, "");
		const counts = countsIn(stdout);
		assert.ok((counts.get(SIGTERM) ?? 0) > 0, stdout);
		const arrived = REAL_TIME.map((signal) => counts.get(signal) ?? 0);
		assert.deepEqual(
			arrived,
			REAL_TIME.map(() => SIGNALS / REAL_TIME.length),
		);
		keepFigures(t, "storms", `10,000 real-time signals in place of tini, Node.js ${major}`, {
			lost: SIGNALS - arrived.reduce((sum, count) => sum + count, 0),
		});
	});

test("run: 10,000 signals of the kinds that are passed on, then 10,000 SIGTERM during the stop: one stop, asked once, clean", async (t) => {
	await using service = await startService(
		{
			jobs: {
				counter: { command: ["/c/count-signals", "500"] },
				slow: { thread: jobThere("slow"), data: 2_000, readiness: "notify" },
			},
		},
		{ flags: [volume()] },
	);
	await service.waitForLine(/^counting$/, READY);
	await service.waitForLine(/"job.ready","job":"slow"/, READY);
	await send(service, SIGNALS, ...FORWARDED);
	await service.untilStatus(({ ready }) => ready, "it is ready as before");
	await send(service, 1, SIGTERM);
	await service.waitForLine(/Stopping: SIGTERM/, READY);
	await send(service, SIGNALS, SIGTERM);
	assert.equal(await service.wait(30_000), 0);

	const lines = await service.lines();
	assert.ok(lines.includes("slow: clean shutdown"));
	const counts = countsIn(lines.join("\n"));
	assert.equal(counts.get(SIGTERM), 1, "the job was asked once");
	for (const signal of FORWARDED) assert.ok((counts.get(signal) ?? 0) > 0, `signal ${signal} was passed on`);
	const events = await service.events();
	const count = (type: string) => events.filter((event) => event.type === type).length;
	assert.equal(count("stop.requested"), 1);
	assert.equal(count("error.caught"), 0);
	const { report } = findEvent(events, "stop.finished");
	assert.ok(report.tookMs < report.budgetMs, `took ${report.tookMs} ms`);
	assert.ok(report.jobs.every(({ killed }) => !killed));
	keepFigures(t, "storms", "20,000 signals, run", {
		"signals heard (of one kind the kernel holds one)": count("signal.received"),
		"stops requested": 1,
		"stop, ms (a job needs 2,000)": Math.round(report.tookMs),
		"stop timeout, ms": report.budgetMs,
	});
});

test("run: 10,000 SIGINT are as good as two: the deadline is now, once, and who is late is named", async () => {
	await using service = await startService(
		{ jobs: { busy: { thread: jobThere("busy"), readiness: "notify" } } },
		{ flags: [volume()] },
	);
	await service.waitForLine(/"job.ready","job":"busy"/, READY);
	await send(service, SIGNALS, SIGINT);
	// All of them may have come at once, and then they count as one Ctrl-C.
	await sleep(300);
	await send(service, 1, SIGINT).catch(() => {});
	assert.equal(await service.wait(30_000), 124);
	const events = await service.events();
	const hurried = events.filter(({ type }) => type === "stop.hurried");
	assert.equal(hurried.length, 1);
	assert.ok(wasKilled(findEvent(events, "job.exited", "busy").exit));
});
