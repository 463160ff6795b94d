/** Scheduled jobs of a real init, by the real clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lastcall as cli } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { fixture, type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { shell } from "../helpers/programs.ts";
import { until } from "../helpers/until.ts";

const EACH_SECOND = "* * * * * *";
/** A date far away. */
const DAILY = { schedule: { every: "24h" } };

const idsOf = ({ events }: Lastcall, job: string) =>
	events.flatMap((event) => (event.type === "job.started" && event.job === job ? [event.id] : []));

test("each date has a run of its own in a fresh thread or process; the service stays up, and the run under way is joined at the stop", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "30s",
		jobs: {
			thread: { thread: fixture("returning"), schedule: EACH_SECOND },
			process: { command: shell("echo $$"), schedule: { every: "1s" } },
			// It takes longer than its interval.
			long: { command: shell("trap : TERM; echo begun; sleep 2.5; echo complete"), schedule: EACH_SECOND },
		},
	});
	await until(() => ["thread", "process"].every((job) => idsOf(lastcall, job).length >= 2), "both have run twice");
	for (const job of ["thread", "process"]) {
		const ids = idsOf(lastcall, job);
		assert.equal(new Set(ids).size, ids.length, job);
	}
	await lastcall.waitFor("job.skipped", "long");
	const begun = () => lastcall.lines.all.filter((line) => line === "begun").length;
	await until(() => begun() > lastcall.lines.all.filter((line) => line === "complete").length, "a run is under way");
	lastcall.kill("SIGTERM");
	const { code } = await lastcall.exit();
	assert.equal(code, 0);
	assert.equal(lastcall.lines.all.filter((line) => line === "complete").length, begun(), "no run was cut short");
	const types = lastcall.events.map(({ type }) => type);
	assert.ok(!types.slice(types.indexOf("stop.requested")).includes("job.started"));
	const { report } = lastcall.event("stop.finished");
	assert.ok(report.jobs.some(({ job, askedMs }) => job === "long" && askedMs !== undefined));
});

test("a run that fails is reported, restarted as often as the job says, and ends neither the job nor the program", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			flaky: {
				command: shell("exit 3"),
				schedule: EACH_SECOND,
				restart: "on-failure",
				restartDelay: "1ms",
				maxRestarts: 2,
			},
		},
	});
	await until(() => lastcall.events.filter(({ type }) => type === "job.exited").length >= 6, "two dates have come");
	const told = lastcall.events.flatMap((event) => (event.type === "restart.scheduled" ? [event.restarts] : []));
	assert.deepEqual(told.slice(0, 4), [1, 2, 1, 2]);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
});

test("an essential scheduled job ends the program with its code when a run has failed for good", async () => {
	await using lastcall = await startLastcall({
		jobs: { vital: { command: shell("exit 3"), schedule: EACH_SECOND, essential: true } },
	});
	assert.equal((await lastcall.exit()).code, 3);
});

test("lastcall start runs a scheduled job now, stop takes it off its schedule until the next start, and status tells its dates", async () => {
	await using lastcall = await startLastcall({ jobs: { report: { command: shell("echo reported"), ...DAILY } } });
	const { socket } = lastcall;
	const ask = async (...args: string[]) => (await cli([...args, "--socket", socket])).stdout;
	const job = async () => JSON.parse(await ask("status", "--json")).jobs[0];
	await lastcall.waitFor("job.scheduled", "report");
	await until(async () => (await ask("status")) !== "", "it has its socket");

	const { nextRun } = await job();
	assert.ok(nextRun > Date.now() + 23 * 3_600_000, `${nextRun}`);
	const table = await ask("status");
	assert.match(table, /ready$/m);
	assert.match(table, /^JOB +STATE .* +NEXT RUN$/m);
	assert.match(table, /^report +scheduled .* \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/m);

	assert.match(await ask("start", "report"), /^Job report is (ready|scheduled)\n$/);
	await lastcall.waitFor("job.exited", "report");
	await until(async () => (await job()).state === "scheduled", "it waits again");
	const { nextRun: same, lastRun, lastExit } = await job();
	assert.ok(Math.abs(same - nextRun) < 1_000, "its dates are the same");
	assert.ok(lastRun <= Date.now());
	assert.equal(lastExit.outcome, "exited");

	assert.equal(await ask("stop", "report"), "Job report is off its schedule, and will not be started\n");
	assert.deepEqual([(await job()).state, (await job()).nextRun], ["ended", undefined]);
	await ask("start", "report");
	await until(async () => (await job()).state === "scheduled", "it is on its schedule again");
	assert.equal(idsOf(lastcall, "report").length, 2);
});

test("lastcall check prints the next three dates in the job's time zone", async () => {
	using project = makeDirectory({
		"lastcall.config.json": JSON.stringify({
			jobs: {
				nightly: { command: ["true"], schedule: "30 2 * * *", timeZone: "Asia/Kolkata", overlap: "wait" },
				often: { command: ["true"], schedule: { every: "90s" } },
			},
		}),
	});
	const { code, stdout } = await cli(["check", `${project.path}/lastcall.config.json`]);
	assert.equal(code, 0);
	const date = "( {6}\\w{3} \\d{4}-\\d\\d-\\d\\d 02:30:00 GMT\\+5:30\n)";
	assert.match(
		stdout,
		new RegExp(
			`^ {2}nightly: true\n {4}at 30 2 \\* \\* \\*; a date that comes during a run waits for its end\n${date}{3} {2}often: true\n {4}every 1 m 30 s\n`,
			"m",
		),
	);
});

test("what variables from files hold is in the jobs' environment, and is shown by no command, log or report", async () => {
	const secrets = ["from-a-file-7a3f", "from-an-env-file-19bc", "$" + "{in_braces-55e0}"];
	const [first = "", second = "", third = ""] = secrets;
	using folder = makeDirectory({ first: `${first}\n`, third, ".env": `SECOND=${second}\n` });
	const files = {
		envFile: `${folder.path}/.env`,
		env: { FIRST: { file: `${folder.path}/first` }, THIRD: { file: `${folder.path}/third` } },
	};
	const seen = `[ "$FIRST $SECOND" = "${first} ${second}" ] || exit 9; exit 3`;
	using script = makeDirectory({ "seen.sh": seen });
	const config = {
		logLevel: "trace",
		jobs: {
			failing: { ...files, command: ["/bin/sh", `${script.path}/seen.sh`], essential: false },
			none: { ...files, command: ["/bin/sh", "-c", "exec /none/of/it"], essential: false },
			thread: { ...files, thread: fixture("throwing"), essential: false },
			idle: { ...files, thread: fixture("waiting"), readiness: "notify", essential: false },
		},
	};
	await using lastcall = await startLastcall(config);
	await lastcall.waitFor("job.exited", "failing");
	await lastcall.waitFor("job.exited", "thread");
	const { socket } = lastcall;
	await until(async () => (await cli(["status", "--socket", socket])).stdout !== "", "it has its socket");
	const shown = [
		await cli(["status", "--socket", socket]),
		await cli(["status", "--json", "--socket", socket]),
		await cli(["restart", "failing", "--socket", socket]),
	];
	using checked = makeDirectory({ "lastcall.config.json": JSON.stringify(config) });
	shown.push(await cli(["check", `${checked.path}/lastcall.config.json`]));
	lastcall.kill("SIGTERM");
	await lastcall.exit();
	const { exit } = lastcall.event("job.exited", "failing");
	assert.deepEqual(exit, { outcome: "exited", code: 3 });
	const all = [lastcall.lines.text, ...shown.map(({ stdout, stderr }) => stdout + stderr)].join("\n");
	assert.match(all, /is fine/);
	for (const secret of secrets) assert.ok(!all.includes(secret), secret);
});
