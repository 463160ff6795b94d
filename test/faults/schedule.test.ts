/** Scheduled jobs on a hostile day: stops at random moments, and a wall clock that is set and that changes to winter time. */
import assert from "node:assert/strict";
import { chmodSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDirectory } from "../helpers/directory.ts";
import { keepFigures } from "../helpers/figures.ts";
import { faketimeImage } from "../helpers/images.ts";
import { type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { shell } from "../helpers/programs.ts";
import { SEED, seededRandom } from "../helpers/random.ts";
import { startService } from "../helpers/service.ts";
import { until } from "../helpers/until.ts";

const STOPS = 100;
/** Services beside each other. */
const BESIDE = 20;

const count = ({ lines }: Lastcall, text: string) => lines.all.filter((line) => line === text).length;

/** Stops one service at a moment of its second or third second. */
async function stopOnce(afterMs: number) {
	await using lastcall = await startLastcall({
		stopTimeout: "60s",
		jobs: { tick: { command: shell("trap : TERM; echo begun; sleep 0.5; echo complete"), schedule: "* * * * * *" } },
	});
	await lastcall.lines.waitFor(/^begun/);
	await sleep(afterMs);
	lastcall.kill("SIGTERM");
	const { code } = await lastcall.exit();
	const types = lastcall.events.map(({ type }) => type);
	const { report } = lastcall.event("stop.finished");
	return {
		code,
		begun: count(lastcall, "begun"),
		complete: count(lastcall, "complete"),
		late: types.slice(types.indexOf("stop.requested")).filter((type) => type === "job.started").length,
		inRun: report.jobs.some(({ askedMs }) => askedMs !== undefined),
	};
}

test(`${STOPS} stops at random moments of a job that runs every second: no run is cut short, and none begins after the request`, async (t) => {
	t.diagnostic(`LASTCALL_FAULTS_SEED=${SEED}`);
	const random = seededRandom();
	const stops: Awaited<ReturnType<typeof stopOnce>>[] = [];
	while (stops.length < STOPS)
		stops.push(...(await Promise.all(Array.from({ length: BESIDE }, () => stopOnce(random.between(0, 1_500))))));
	keepFigures(t, "schedules", `${STOPS} stops of a job that runs every second`, {
		"stops during a run": stops.filter(({ inRun }) => inRun).length,
		"runs cut short": stops.reduce((sum, { begun, complete }) => sum + begun - complete, 0),
		"runs begun after the request": stops.reduce((sum, { late }) => sum + late, 0),
	});
	assert.deepEqual(
		stops.filter(({ code, begun, complete, late }) => code !== 0 || begun !== complete || late > 0),
		[],
	);
	assert.ok(
		stops.some(({ inRun }) => inRun) && stops.some(({ inRun }) => !inRun),
		"stops came in the middle of a run, and between two",
	);
});

/** A container whose wall clock begins at `at`. */
async function startAt(at: string, jobs: object) {
	// Built first: the clock runs from here on.
	const image = await faketimeImage();
	const offset = Math.round((Date.parse(at) - Date.now()) / 1_000);
	const clock = makeDirectory({ offset: `${offset < 0 ? "" : "+"}${offset}` });
	chmodSync(clock.path, 0o755);
	const service = await startService(
		{ jobs },
		{
			image,
			flags: [`--volume=${clock.path}:/clock`],
			env: {
				LD_PRELOAD: "/faketime.so",
				FAKETIME_TIMESTAMP_FILE: "/clock/offset",
				FAKETIME_NO_CACHE: "1",
				FAKETIME_DONT_FAKE_MONOTONIC: "1",
				DONT_FAKE_MONOTONIC: "1",
			},
		},
	);
	return { service, clock };
}

const NIGHTLY = { command: ["date", "-u", "+ran at %H:%M"], schedule: "30 2 * * *", timeZone: "Europe/Berlin" };

for (const [what, at, expected] of [
	["half past two comes twice, and counts once", "2026-10-25T00:29:35Z", "ran at 00:30"],
	["half past two does not exist, and three o'clock counts", "2027-03-28T00:59:35Z", "ran at 01:00"],
] as const)
	test(`the clocks change: ${what}`, async () => {
		const { service, clock } = await startAt(at, { nightly: NIGHTLY });
		await using _service = service;
		using _clock = clock;
		await service.waitForLine(new RegExp(`^${expected}$`, "m"), { timeout: 60_000 });
		const { jobs } = await service.status();
		const next = new Date(jobs[0]?.nextRun ?? 0).toISOString();
		const dayAfter = new Date(Date.parse(at) + 24 * 3_600_000).toISOString().slice(0, 10);
		assert.ok(next.startsWith(dayAfter), next);
	});

test("the clock is set a day forward, and back: one run for the dates between, and intervals keep their time", async () => {
	const { service, clock } = await startAt("2026-11-28T02:58:30Z", {
		nightly: { ...NIGHTLY, schedule: "0 3 * * *", timeZone: "UTC" },
		interval: { command: ["echo", "interval"], schedule: { every: "1s" } },
	});
	await using _service = service;
	using _clock = clock;
	await service.waitForLine(/interval/, { timeout: 60_000 });
	const set = async (text: string) => {
		// Whole at each moment: libfaketime reads the file at each question.
		writeFileSync(join(clock.path, "next"), text);
		renameSync(join(clock.path, "next"), join(clock.path, "offset"));
		const { stdout, stderr } = await service.exec(["date", "+%s"]);
		const expected = Date.now() / 1_000 + 24 * 3_600 * Number.parseInt(text, 10);
		assert.ok(Math.abs(Number(stdout) - expected) < 600, `the clock is set to ${text}: ${stdout}${stderr}`);
	};
	await set("+400d");
	await service.waitForLine(/^ran at/m, { timeout: 90_000 });
	await set("+399d");
	const seen = async () => (await service.lines()).filter((line) => line === "interval").length;
	const before = await seen();
	await until(async () => (await seen()) >= before + 3, "the intervals go on");
	assert.equal((await service.lines()).filter((line) => line.startsWith("ran at")).length, 1);
});
