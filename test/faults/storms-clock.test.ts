/** The wall clock jumps, forward and back: libfaketime's, in the container. Every duration is one of the monotonic clock. */
import assert from "node:assert/strict";
import { chmodSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { docker } from "../helpers/docker.ts";
import { findEvent } from "../helpers/events.ts";
import { keepFigures } from "../helpers/figures.ts";
import { faketimeImage } from "../helpers/images.ts";
import { jobThere, type Service, startService } from "../helpers/service.ts";

const READY = { timeout: 60_000 };
const DAY_MS = 24 * 60 * 60 * 1_000;
/** What a loaded machine may be late. */
const LATE_MS = 3_000;
/** A killed thread that such a machine has not ended within the reserve counts as stuck. */
const KILLED = /^(killed|stuck)$/;

const clock = makeDirectory({ offset: "+0" });
chmodSync(clock.path, 0o755);
after(() => clock[Symbol.dispose]());

/** Puts the clock of the container so far from the machine's: "+2d", "-3h". Never half written. */
function setClock(offset: string): void {
	writeFileSync(join(clock.path, "next"), offset);
	renameSync(join(clock.path, "next"), join(clock.path, "offset"));
}

/** Lines that match, with the milliseconds at which the engine has seen them, by the machine's clock. */
async function timesOf(service: Service, pattern: RegExp): Promise<number[]> {
	const { stdout } = await docker(["logs", "--timestamps", service.name]);
	return stdout
		.split("\n")
		.filter((line) => pattern.test(line))
		.map((line) => Date.parse(line.slice(0, line.indexOf(" "))));
}

function assertAbout(ms: number, expected: number, what: string): void {
	assert.ok(ms > expected - 100 && ms < expected + LATE_MS, `${what}: ${ms} ms, expected ${expected}`);
}

test("the clock jumps a day forward, then two days back: restarts, waits, the stop deadline and every duration keep their time", async (t) => {
	await using service = await startService(
		{
			stopTimeout: "4s",
			jobs: {
				polling: { thread: jobThere("polling"), readiness: "notify" },
				slow: { thread: jobThere("slow"), data: 1_500, readiness: "notify" },
				busy: { thread: jobThere("busy"), readiness: "notify" },
				flaky: {
					command: ["sh", "-c", "exit 3"],
					dependsOn: ["polling", "slow", "busy"],
					restart: "on-failure",
					restartDelay: "2s",
					maxRestarts: 2,
					essential: false,
				},
			},
		},
		{
			image: await faketimeImage(),
			flags: [`--volume=${clock.path}:/clock:ro`],
			env: {
				LD_PRELOAD: "/faketime.so",
				FAKETIME_TIMESTAMP_FILE: "/clock/offset",
				FAKETIME_NO_CACHE: "1",
				// No machine's monotonic clock jumps.
				FAKETIME_DONT_FAKE_MONOTONIC: "1",
				DONT_FAKE_MONOTONIC: "1",
			},
		},
	);
	await service.waitForLine(/"restart.scheduled".*"restarts":1/, READY);
	setClock("+1d");
	await service.waitForLine(/"restart.scheduled".*"restarts":2/, READY);
	setClock("-1d");
	await service.waitForLine(/^polling: 60 waits/, READY);
	await service.untilStatus(
		({ jobs }) => jobs.some(({ name, state }) => name === "flaky" && state === "ended"),
		"flaky has ended for good",
	);

	const running = await service.status();
	assert.ok(running.upMs > 4_000 && running.upMs < 120_000, `${running.upMs}`);
	for (const { name, inStateMs } of running.jobs) assert.ok(inStateMs >= 0 && inStateMs <= running.upMs, name);
	const table = await service.exec(["lastcall", "status"]);
	assert.match(table.stdout, /, up \d+\.\d s, ready$/m);

	await service.kill("TERM");
	await service.waitForLine(/Stopping: SIGTERM/, READY);
	setClock("+3d");
	await service.waitForLine(/"job.exited","job":"slow"/, READY);
	setClock("-3d");
	assert.equal(await service.wait(30_000), 124);

	const events = await service.events();
	const wall = (type: "init.started" | "stop.finished") =>
		Date.parse((findEvent(events, type) as unknown as { time: string }).time);
	const jumped = wall("stop.finished") - wall("init.started");
	assert.ok(jumped < -2 * DAY_MS, `its clock has jumped: ${jumped} ms`);

	const waits = events.flatMap((event) => (event.type === "restart.scheduled" ? [event.delayMs] : []));
	const scheduled = await timesOf(service, /"restart.scheduled"/);
	const started = await timesOf(service, /"job.started","job":"flaky"/);
	assert.equal(waits.length, 2);
	for (const [index, ms] of waits.entries())
		assertAbout((started[index + 1] ?? 0) - (scheduled[index] ?? 0), ms, `restart ${index + 1}`);
	// 60 waits of 100 ms each, half of them synchronous.
	const [polled] = (await service.lines()).flatMap((line) => {
		const [, ms] = /^polling: 60 waits took (\d+) ms$/.exec(line) ?? [];
		return ms === undefined ? [] : [Number(ms)];
	});
	assertAbout(polled ?? -1, 6_000, "60 waits");

	const { report } = findEvent(events, "stop.finished");
	const [asked = 0] = await timesOf(service, /"stop.requested"/);
	const [killed = 0] = await timesOf(service, /"job.killed","job":"busy"/);
	assertAbout(killed - asked, report.jobsMs, "the deadline");
	const exit = (job: string) => report.jobs.find((stop) => stop.job === job);
	assertAbout(exit("slow")?.tookMs ?? -1, 1_500, "the slow job");
	assert.equal(exit("slow")?.exit.outcome, "finished");
	assert.match(exit("busy")?.exit.outcome ?? "", KILLED);
	for (const stop of report.jobs)
		for (const ms of [stop.askedMs, stop.tookMs, stop.leftMs]) assert.ok((ms ?? 0) >= 0, `${stop.job}: ${ms} ms`);
	keepFigures(t, "storms", "the clock jumps +1, -1, +3, -3 days", {
		"restarts, ms late at most": Math.max(
			...waits.map((ms, index) => Math.round((started[index + 1] ?? 0) - (scheduled[index] ?? 0) - ms)),
		),
		"deadline, ms late": Math.round(killed - asked - report.jobsMs),
		"negative durations": 0,
	});
});
