/** When a scheduled job runs, by a simulated clock that is set, and that stands still for a while. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCron } from "../../src/config/cron.ts";
import type { Event } from "../../src/supervisor/events.ts";
import { Schedule, type Timetable } from "../../src/supervisor/schedule.ts";
import { StartQueue } from "../../src/supervisor/starts.ts";
import { SimulatedTime } from "../helpers/simulated-time.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A schedule in a world of its own. */
class Scheduled implements Disposable {
	readonly time = new SimulatedTime(1);
	readonly events: Event[] = [];
	/** When it has run, by the wall clock. */
	readonly runs: string[] = [];
	readonly starts = new StartQueue();
	readonly schedule: Schedule;
	isFree = true;
	/** How often a timer has woken it. */
	wakeUps = 0;
	readonly #installed: Disposable;

	constructor(timetable: Timetable, at: string, overlap: "skip" | "wait" = "skip") {
		this.time.epoch = Date.parse(at);
		this.#installed = this.time.install();
		const { setTimeout } = globalThis;
		Object.assign(globalThis, {
			setTimeout: (...args: Parameters<typeof setTimeout>) => {
				this.wakeUps++;
				return setTimeout(...args);
			},
		});
		const hooks = { emit: (event: Event) => this.events.push(event), starts: this.starts };
		this.schedule = new Schedule({ job: "it", timetable, overlap }, hooks, {
			isFree: () => this.isFree,
			begin: () => this.runs.push(new Date(Date.now()).toISOString()),
		});
		this.schedule.begin();
	}

	[Symbol.dispose](): void {
		this.#installed[Symbol.dispose]();
	}
}

const cron = (expression: string, timeZone?: string) => ({ next: parseCron(expression, timeZone) });

test("Schedule runs once for each date, and wakes up once a minute at most while it waits", async () => {
	using it = new Scheduled(cron("0 3 * * *", "UTC"), "2026-11-28T12:00:07Z");
	await it.time.advance(2 * DAY);
	assert.deepEqual(it.runs, ["2026-11-29T03:00:00.000Z", "2026-11-30T03:00:00.000Z"]);
	assert.ok(it.wakeUps <= 2 * 24 * 60 + 1, `${it.wakeUps} wake-ups`);
	assert.equal(it.schedule.next, Date.parse("2026-12-01T03:00:00Z"));
});

test("Schedule runs after each interval, from the first moment on and without drift", async () => {
	using it = new Scheduled({ everyMs: 90 * SECOND }, "2026-11-28T12:00:00Z");
	assert.equal(it.schedule.next, Date.parse("2026-11-28T12:01:30Z"));
	// A busy main thread: each timer is 7 ms late.
	for (let runs = 0; runs < 40; runs++) {
		it.time.now += 7;
		await it.time.advance(90 * SECOND - 7);
	}
	assert.equal(it.runs.length, 40);
	assert.equal(it.schedule.next, Date.parse("2026-11-28T13:01:30Z"));
	assert.equal(it.wakeUps, 41, "it sleeps through each interval");
});

test("Schedule runs once for all dates that have passed while everything stood still", async () => {
	for (const timetable of [cron("* * * * * *", "UTC"), { everyMs: SECOND }]) {
		using it = new Scheduled(timetable, "2026-11-28T12:00:00Z");
		it.time.now += 10 * MINUTE + 500;
		await it.time.advance(0);
		assert.equal(it.runs.length, 1);
		await it.time.advance(499);
		assert.equal(it.runs.length, 1);
		await it.time.advance(1);
		assert.equal(it.runs.length, 2, "then as before");
	}
});

test("Schedule runs once, within a minute, when the wall clock was set forward over its dates", async () => {
	using it = new Scheduled(cron("0 3 * * *", "UTC"), "2026-11-28T12:00:30Z");
	it.time.epoch += 5 * DAY;
	await it.time.advance(MINUTE);
	assert.equal(it.runs.length, 1);
	await it.time.advance(15 * HOUR);
	assert.equal(it.runs.length, 2);
	assert.equal(it.runs[1], "2026-12-04T03:00:00.000Z");
});

test("Schedule repeats no date when the wall clock is set back by less than three hours", async () => {
	using it = new Scheduled(cron("*/10 * * * *", "UTC"), "2026-11-28T12:55:00Z");
	await it.time.advance(5 * MINUTE);
	it.time.epoch -= 2 * HOUR;
	await it.time.advance(2 * HOUR);
	assert.deepEqual(it.runs, ["2026-11-28T13:00:00.000Z"]);
	await it.time.advance(10 * MINUTE);
	assert.deepEqual(it.runs.slice(1), ["2026-11-28T13:10:00.000Z"]);
});

test("Schedule begins anew when the wall clock was wrong by more", async () => {
	using it = new Scheduled(cron("*/10 * * * *", "UTC"), "2038-01-19T03:14:07Z");
	it.time.epoch -= Date.parse("2038-01-19T03:14:07Z") - Date.parse("2026-11-28T12:55:00Z");
	await it.time.advance(6 * MINUTE);
	assert.deepEqual(it.runs, ["2026-11-28T13:00:00.000Z"]);
});

test("Schedule leaves intervals alone when the wall clock is set", async () => {
	using it = new Scheduled({ everyMs: 10 * SECOND }, "2026-11-28T12:00:00Z");
	for (const set of [DAY, -3 * DAY, HOUR]) {
		it.time.epoch += set;
		await it.time.advance(10 * SECOND);
	}
	assert.equal(it.runs.length, 3);
});

test("Schedule knows daylight saving time: a time of day comes once, an interval of the clock goes on", async () => {
	const runsOf = async (expression: string, from: string, ms: number) => {
		using it = new Scheduled(cron(expression, "Europe/Berlin"), from);
		await it.time.advance(ms);
		return it.runs.map((run) => run.slice(11, 16));
	};
	// From 01:30 to 04:30 UTC, in which the clock goes from 3 to 2 o'clock at 01:00 UTC.
	assert.deepEqual(await runsOf("30 2 * * *", "2026-10-24T23:40:00Z", 3 * HOUR), ["00:30"]);
	assert.deepEqual(await runsOf("*/30 * * * *", "2026-10-25T00:10:00Z", 2 * HOUR), [
		"00:30",
		"01:00",
		"01:30",
		"02:00",
	]);
	// The clock goes from 2 to 3 o'clock at 01:00 UTC: half past two does not exist.
	assert.deepEqual(await runsOf("30 2 * * *", "2027-03-28T00:10:00Z", 3 * HOUR), ["01:00"]);
	assert.deepEqual(await runsOf("*/30 * * * *", "2027-03-28T00:10:00Z", 2 * HOUR), [
		"00:30",
		"01:00",
		"01:30",
		"02:00",
	]);
});

test("Schedule skips the dates during a run, and says so once, or keeps one of them", async () => {
	for (const overlap of ["skip", "wait"] as const) {
		using it = new Scheduled({ everyMs: SECOND }, "2026-11-28T12:00:00Z", overlap);
		await it.time.advance(SECOND);
		it.isFree = false;
		await it.time.advance(3 * SECOND);
		assert.equal(it.runs.length, 1);
		const said = it.events.filter(({ type }) => type === "job.skipped");
		assert.equal(said.length, overlap === "skip" ? 1 : 0);
		assert.equal(it.schedule.takeDate(), overlap === "wait");
		assert.equal(it.schedule.takeDate(), false);
	}
});

test("Schedule has no date after its end, and after the end of all starts", async () => {
	for (const end of [(it: Scheduled) => it.schedule.end(), (it: Scheduled) => it.starts.close()]) {
		using it = new Scheduled({ everyMs: SECOND }, "2026-11-28T12:00:00Z");
		await it.time.advance(SECOND);
		end(it);
		await it.time.advance(MINUTE);
		assert.equal(it.runs.length, 1);
	}
});

test("Schedule goes on without an expression's last date", async () => {
	using it = new Scheduled({ next: () => undefined }, "2026-11-28T12:00:00Z");
	await it.time.advance(DAY);
	assert.deepEqual([it.runs, it.schedule.next], [[], undefined]);
	assert.deepEqual(it.events, [{ type: "job.scheduled", job: "it" }]);
});
