/** The mistakes of a schedule, and what a valid one comes to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { explainBadCron } from "../../src/config/cron.ts";
import { validateConfig } from "../../src/config/validate.ts";

function check(job: object, others: object = {}) {
	const jobs = { it: { command: ["true"], ...job }, ...others };
	return validateConfig({ path: "/lastcall.config.json", value: { jobs } }).jobs.it;
}

const daily = { schedule: "0 3 * * *" };

const refused: [what: string, job: object, message: RegExp][] = [
	["a number", { schedule: 5 }, /^schedule: found 5, expected a cron expression such as "0 3 \* \* \*", or an inte/],
	["a text that is none", { schedule: "daily" }, /^schedule: "daily" is no cron expression \(.*\), expected a cron/],
	[
		"a minute that no hour has",
		{ schedule: "61 * * * *" },
		/^schedule: "61 .*" is no cron expression \(Invalid value for minute: 61\)/,
	],
	["seven fields", { schedule: "0 0 0 1 1 * 2030" }, /^schedule: "0 0 0 1 1 \* 2030" is no cron expression/],
	[
		"a date",
		{ schedule: "2030-01-01T00:00:00" },
		/^schedule: "2030-01-01T00:00:00" is no cron expression \(found a date\)/,
	],
	["an event", { schedule: "@reboot" }, /^schedule: "@reboot" is no cron expression/],
	["a day that never comes", { schedule: "0 0 30 2 *" }, /^schedule: "0 0 30 2 \*" never comes, expected/],
	[
		"an interval without a unit",
		{ schedule: { every: "5" } },
		/^schedule\.every: "?5"? has no unit, expected a duration/,
	],
	[
		"an interval below a second",
		{ schedule: { every: "10ms" } },
		/^schedule\.every: found less than "1s", expected at least that/,
	],
	["an unknown field", { schedule: { evry: "5m" } }, /^schedule\.evry: no such field; did you mean "every"/],
	[
		"an unknown time zone",
		{ ...daily, timeZone: "Mars/Olympus" },
		/^timeZone: "Mars\/Olympus" is no time zone that Node\.js knows/,
	],
	["a time zone without a schedule", { timeZone: "UTC" }, /^timeZone: found it without a schedule/],
	[
		"a time zone of an interval",
		{ schedule: { every: "5m" }, timeZone: "UTC" },
		/^timeZone: found it together with an interval/,
	],
	["an overlap without a schedule", { overlap: "skip" }, /^overlap: found it without a schedule/],
	["an unknown overlap", { ...daily, overlap: "kill" }, /^overlap: found "kill", expected one of skip, wait/],
	["readiness", { ...daily, readiness: "exit" }, /^readiness: found it together with a schedule/],
	["a start timeout", { ...daily, startTimeout: "5s" }, /^startTimeout: found it together with a schedule/],
	["a restart after every end", { ...daily, restart: "always" }, /^restart: found "always" together with a schedule/],
];

for (const [what, job, message] of refused) {
	test(`validateConfig() refuses as a schedule ${what}`, () => {
		assert.throws(
			() => check(job),
			(error) => {
				assert.ok(error instanceof UserError, String(error));
				const mistakes = error.message.split("\n").slice(1);
				assert.ok(
					mistakes.some((mistake) => message.test(mistake.replace(/^ *Cannot use jobs\.it\./, ""))),
					error.message,
				);
				return true;
			},
		);
	});
}

test("validateConfig() refuses a job that depends on a scheduled one", () => {
	assert.throws(() => check(daily, { web: { command: ["true"], dependsOn: ["it"] } }), {
		message: /jobs\.web\.dependsOn: "it" has a schedule, expected a job that is ready and stays so/,
	});
});

test("validateConfig() takes a schedule; such a job is not essential unless it says so", () => {
	assert.equal(check({})?.essential, true);
	assert.equal(check({ ...daily, timeZone: "Europe/Berlin", overlap: "wait" })?.essential, false);
	assert.equal(check({ ...daily, essential: true })?.essential, true);
	for (const schedule of ["* * * * *", "*/5 * * * * *", "0 3 * * MON-FRI", "0 0 L * *", "@daily"])
		assert.equal(check({ schedule })?.schedule, schedule);
	assert.deepEqual(check({ schedule: { every: "1m30s" } })?.schedule, { every: 90_000 });
});

test("a range in the first field is no date", () => {
	for (const expression of ["0-30 * * * *", "0-29/10 9 * * *", "1-5,10 * * * *", "0-30 0 3 * * *", " 10-20 * * * *"])
		assert.equal(explainBadCron(expression), undefined, expression);
});
