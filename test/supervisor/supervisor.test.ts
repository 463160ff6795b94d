/** Order, readiness, restart and the one deadline, as PID 1 of a PID namespace of their own. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDirectory } from "../helpers/directory.ts";
import { fixture, type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { freePort } from "../helpers/ports.ts";
import { program, shell } from "../helpers/programs.ts";
import { restartAgainAndAgain } from "../helpers/restarts.ts";
import { until } from "../helpers/until.ts";

const waiting = (name: string) => ({ command: program("waiting.sh", name) });

/** `type job`, of the given types, in their order. */
function story(lastcall: Lastcall, ...types: string[]): string[] {
	return lastcall.events
		.filter(({ type }) => types.includes(type))
		.map((event) => `${event.type} ${"job" in event ? event.job : ""}`);
}

async function stop(lastcall: Lastcall): Promise<number> {
	lastcall.kill("SIGTERM");
	return (await lastcall.exit()).code;
}

function reportOf(lastcall: Lastcall, job: string) {
	const { jobs } = lastcall.event("stop.finished").report;
	const found = jobs.find((stop) => stop.job === job);
	assert.ok(found, `${job} is in the report`);
	return found;
}

test("Supervisor starts what is depended on first, and stops it last", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			web: { ...waiting("web"), dependsOn: ["cache", "db"] },
			cache: { ...waiting("cache"), dependsOn: ["db"] },
			db: { thread: fixture("waiting"), readiness: "notify" },
		},
	});
	await lastcall.lines.waitFor(/web: running/);
	await lastcall.lines.waitFor(/cache: running/);
	assert.equal(await stop(lastcall), 0, lastcall.lines.text);
	assert.deepEqual(story(lastcall, "job.started", "job.ready"), [
		"job.started db",
		"job.ready db",
		"job.started cache",
		"job.started web",
	]);
	assert.deepEqual(story(lastcall, "job.exited"), ["job.exited web", "job.exited cache", "job.exited db"]);
	assert.equal(reportOf(lastcall, "web").exit.outcome, "exited");
	const [db, cache, web] = ["db", "cache", "web"].map((job) => reportOf(lastcall, job).askedMs ?? -1);
	assert.ok(web !== undefined && cache && db && web < cache && cache < db, `asked after ${web}, ${cache}, ${db} ms`);
});

test("Supervisor waits for a one-shot to end well before it starts the next", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			migrate: { command: shell("echo migrated"), readiness: "exit" },
			web: { ...waiting("web"), dependsOn: ["migrate"] },
		},
	});
	await lastcall.lines.waitFor(/web: running/);
	assert.equal(await stop(lastcall), 0);
	assert.deepEqual(story(lastcall, "job.started", "job.exited", "job.ready").slice(0, 4), [
		"job.started migrate",
		"job.exited migrate",
		"job.ready migrate",
		"job.started web",
	]);
});

test("Supervisor rolls back a start that fails, and says why", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			db: waiting("db"),
			migrate: { command: shell("exit 3"), readiness: "exit", dependsOn: ["db"] },
			web: { ...waiting("web"), dependsOn: ["migrate"] },
		},
	});
	const { code } = await lastcall.exit();
	assert.equal(code, 3, "the code of the one that failed");
	assert.deepEqual(story(lastcall, "job.started"), ["job.started db", "job.started migrate"]);
	const { reason } = lastcall.event("stop.requested");
	assert.ok(reason.type === "job" && reason.job === "migrate");
	// Perhaps asked before the shell had set its trap.
	const { exit } = reportOf(lastcall, "db");
	assert.notEqual(exit.outcome, "killed");
});

test("Supervisor does not start what depends on a job that failed, even if that one was not essential", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			migrate: { command: shell("exit 3"), essential: false, readiness: "exit" },
			web: { ...waiting("web"), dependsOn: ["migrate"] },
		},
	});
	assert.equal((await lastcall.exit()).code, 1);
	const { exit } = lastcall.event("job.exited", "web");
	assert.ok(exit.outcome === "not-started");
	assert.match(exit.error.message, /depends on migrate, which exited with code 3/);
	assert.match(lastcall.lines.text, /code 1: 1 of 1 jobs joined, 1 did not start, stopped in/);
});

test("Supervisor ends when the last of the jobs that have to end has ended", async () => {
	const step = { command: ["true"], readiness: "exit" };
	await using lastcall = await startLastcall({ jobs: { first: step, second: { ...step, dependsOn: ["first"] } } });
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	const { report } = lastcall.event("stop.finished");
	assert.equal(report.reason.type, "idle");
	assert.deepEqual(
		report.jobs.map(({ job, exit }) => [job, exit.outcome]),
		[
			["first", "exited"],
			["second", "exited"],
		],
	);
});

test("Supervisor says of 3,000 jobs in a chain that they do not start when the first has failed", async () => {
	const chain = Object.fromEntries(
		Array.from({ length: 3_000 }, (_, index) => [
			`job${index}`,
			{ command: ["true"], essential: false, ...(index > 0 && { dependsOn: [`job${index - 1}`] }) },
		]),
	);
	const jobs = { ...chain, job0: { ...chain.job0, command: ["false"] } };
	await using lastcall = await startLastcall({ jobs });
	assert.equal((await lastcall.exit()).code, 1);
	const { report } = lastcall.event("stop.finished");
	assert.equal(report.reason.type, "idle");
	assert.equal(report.jobs.filter(({ exit }) => exit.outcome === "not-started").length, 2_999);
});

test("Supervisor waits until HTTP answers with success, and until a port is open", async () => {
	const [http, tcp] = [await freePort(), await freePort()];
	await using lastcall = await startLastcall({
		jobs: {
			web: { command: program("server.cjs", http, 2), readiness: { http: `http://127.0.0.1:${http}/` } },
			port: { command: program("server.cjs", tcp, 0), readiness: { tcp: `127.0.0.1:${tcp}` } },
			last: { ...waiting("last"), dependsOn: ["web", "port"] },
		},
	});
	await lastcall.lines.waitFor(/last: running/);
	await lastcall.waitFor("job.ready", "web");
	assert.equal(await stop(lastcall), 0, lastcall.lines.text);
	const order = ["answers 503", "answers 200", '"job.ready","job":"web"'].map((text) =>
		lastcall.lines.all.findIndex((line) => line.includes(text)),
	);
	assert.deepEqual(
		order,
		order.toSorted((a, b) => a - b),
		lastcall.lines.text,
	);
	assert.ok(!order.includes(-1), lastcall.lines.text);
});

for (const [how, script] of [
	["process.send()", `'${process.execPath}' -e 'process.send("ready"); setTimeout(() => {}, 1e6)'`],
	[
		"sd_notify",
		`perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; send($s, "STATUS=up\\nREADY=1", 0, sockaddr_un($ENV{NOTIFY_SOCKET})) or die; sleep 1000'`,
	],
] as const) {
	test(`Supervisor hears of a process that it is ready by ${how}`, async () => {
		await using lastcall = await startLastcall({
			jobs: {
				it: { command: shell(`exec ${script}`), readiness: "notify" },
				next: { ...waiting("next"), dependsOn: ["it"] },
			},
		});
		await lastcall.lines.waitFor(/next: running/);
		assert.equal(await stop(lastcall), 0, lastcall.lines.text);
	});
}

test("Supervisor stops a job that is not ready in time, and says what it found", async () => {
	const port = await freePort();
	await using lastcall = await startLastcall({
		jobs: {
			web: {
				...waiting("web"),
				readiness: { tcp: `127.0.0.1:${port}` },
				// Time for one look at least.
				startTimeout: "2s",
			},
		},
	});
	assert.equal((await lastcall.exit()).code, 1);
	assert.match(lastcall.event("job.startTimedOut").detail, /ECONNREFUSED/);
	const { exit } = reportOf(lastcall, "web");
	assert.ok(exit.outcome === "not-ready");
	assert.match(exit.error.message, /not ready after 2000 ms: .*ECONNREFUSED/);
});

test("Supervisor says of a thread that it has not called ready(), and of a process what it has not sent", async () => {
	const limit = { readiness: "notify", startTimeout: "500ms", essential: false };
	await using lastcall = await startLastcall({
		jobs: {
			thread: { thread: fixture("evaluating"), data: "return context.flag.raised()", ...limit },
			process: { ...waiting("process"), ...limit },
		},
	});
	assert.equal((await lastcall.exit()).code, 1);
	assert.equal(lastcall.event("job.startTimedOut", "thread").detail, "it has not called ready()");
	assert.match(lastcall.event("job.startTimedOut", "process").detail, /^no READY=1 at NOTIFY_SOCKET/);
});

test("Supervisor restarts a job that was not ready in time", async () => {
	const port = await freePort();
	await using lastcall = await startLastcall({
		jobs: {
			web: {
				...waiting("web"),
				readiness: { tcp: `127.0.0.1:${port}` },
				startTimeout: "200ms",
				restart: "on-failure",
				restartDelay: "10ms",
				maxRestarts: 1,
			},
		},
	});
	assert.equal((await lastcall.exit()).code, 1);
	assert.deepEqual(story(lastcall, "job.started", "job.startTimedOut", "restart.scheduled"), [
		"job.started web",
		"job.startTimedOut web",
		"restart.scheduled web",
		"job.started web",
		"job.startTimedOut web",
	]);
});

test("Supervisor restarts a job that fails, with growing delays, and gives up after maxRestarts", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			flaky: { command: shell("exit 3"), restart: "on-failure", restartDelay: "20ms", maxRestarts: 3 },
			other: waiting("other"),
		},
	});
	assert.equal((await lastcall.exit()).code, 3);
	const delays = lastcall.events.flatMap((event) => (event.type === "restart.scheduled" ? event.delayMs : []));
	assert.equal(delays.length, 3);
	for (const [n, least] of [20, 40, 80].entries())
		assert.ok((delays[n] ?? 0) >= least && (delays[n] ?? 0) <= least * 1.25, `${delays}`);
});

test("Supervisor gives a job up after ten restarts in a row, unless the configuration says otherwise", async () => {
	await using lastcall = await startLastcall({
		jobs: { flaky: { command: shell("exit 3"), restart: "on-failure", restartDelay: "1ms" } },
	});
	assert.equal((await lastcall.exit()).code, 3);
	const restarts = lastcall.events.filter(({ type }) => type === "restart.scheduled");
	assert.equal(restarts.length, 10);
});

for (const signal of ["SIGQUIT", "SIGTERM"] as const)
	test(`Supervisor stops at ${signal} with stopSignals: SIGQUIT, SIGTERM`, async () => {
		await using lastcall = await startLastcall({ stopSignals: ["SIGQUIT", "SIGTERM"], jobs: { it: waiting("it") } });
		await lastcall.lines.waitFor(/it: running/);
		lastcall.kill(signal);
		assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
		const { reason } = lastcall.event("stop.requested");
		assert.equal("signal" in reason && reason.signal, signal);
	});

test("run() keeps a stop signal that comes while the configuration is loading", async () => {
	await using lastcall = await startLastcall(`
		process.kill(process.pid, "SIGQUIT");
		await new Promise((resolve) => setTimeout(resolve, 100));
		export default {
			stopSignals: ["SIGQUIT"],
			jobs: { it: { command: ["sleep", "1000"] } },
		};`);
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	const { reason } = lastcall.event("stop.requested");
	assert.equal("signal" in reason && reason.signal, "SIGQUIT");
});

test("Supervisor passes SIGINT on where it is no stop signal", async () => {
	await using lastcall = await startLastcall({
		stopSignals: ["SIGTERM"],
		jobs: { it: { command: ["sleep", "1000"] } },
	});
	await lastcall.waitFor("job.started", "it");
	lastcall.kill("SIGINT");
	// What the job ends with, which has no listener for it.
	assert.equal((await lastcall.exit()).code, 130, lastcall.lines.text);
	const { reason } = lastcall.event("stop.requested");
	assert.equal(reason.type, "job");
});

test("Supervisor restarts a job 100 times, and still stops at once", () => restartAgainAndAgain(100));

test("Supervisor restarts a thread, with a flag of its own for each run", async () => {
	await using lastcall = await startLastcall({
		jobs: { it: { thread: fixture("returning"), restart: "always", restartDelay: "10ms", maxRestarts: 2 } },
	});
	assert.equal((await lastcall.exit()).code, 0);
	assert.equal(story(lastcall, "job.started").length, 3);
});

test("Supervisor does not let a pending restart delay the stop", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { flaky: { command: shell("exit 1"), restart: "always", restartDelay: "1h" }, other: waiting("other") },
	});
	await lastcall.waitFor("restart.scheduled");
	await lastcall.lines.waitFor(/other: running/);
	assert.equal(await stop(lastcall), 0, lastcall.lines.text);
	assert.equal(story(lastcall, "job.started").length, 2);
});

test("Supervisor does not let a readiness poll delay the stop", async () => {
	const port = await freePort();
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: {
			web: { ...waiting("web"), readiness: { http: `http://127.0.0.1:${port}/` } },
			next: { ...waiting("next"), dependsOn: ["web"] },
		},
	});
	await lastcall.lines.waitFor(/web: running/);
	assert.equal(await stop(lastcall), 0, lastcall.lines.text);
	assert.deepEqual(story(lastcall, "job.started"), ["job.started web"]);
	assert.deepEqual(story(lastcall, "job.ready"), []);
});

test("Supervisor starts nothing more when the stop comes in the middle of the start", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			first: { command: shell("echo up; sleep 1000"), readiness: "exit" },
			second: { ...waiting("second"), dependsOn: ["first"] },
			third: { ...waiting("third"), dependsOn: ["second"] },
		},
	});
	await lastcall.lines.waitFor(/^up$/);
	assert.equal(await stop(lastcall), 0, lastcall.lines.text);
	assert.deepEqual(story(lastcall, "job.started"), ["job.started first"]);
});

test("Supervisor has one deadline for all waves: a slow one takes from the next, never from the end", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "3s",
		jobs: {
			db: waiting("db"),
			api: { command: program("deaf.sh"), dependsOn: ["db"] },
			web: { command: program("deaf.sh"), dependsOn: ["api"], stopTimeout: "1500ms" },
		},
	});
	await lastcall.lines.waitFor(/db: running/);
	// Before that they would die of SIGTERM.
	const deaf = () => lastcall.lines.all.filter((line) => line === "deaf: running").length;
	await until(() => deaf() === 2, "api and web are deaf");
	assert.equal(await stop(lastcall), 124);
	const { budgetMs, jobsMs, tookMs } = lastcall.event("stop.finished").report;
	const [db, api, web] = ["db", "api", "web"].map((job) => reportOf(lastcall, job));
	const asked = (stop = db) => stop?.askedMs ?? Number.NaN;
	const waited = (stop = db) => stop?.killed?.waitedMs ?? Number.NaN;
	assert.ok(waited(web) >= 1_499, `web was killed after ${waited(web)} ms`);
	// What web took is gone for api: it had until the deadline, and no time of its own.
	assert.ok(asked(api) >= 1_499, `api was asked after ${asked(api)} ms`);
	assert.ok(waited(api) < jobsMs, `api was killed after ${waited(api)} ms`);
	// And nothing was left for db: it was asked at the deadline, and killed with the others.
	assert.ok(asked(db) >= jobsMs - 1, `db was asked after ${asked(db)} ms`);
	assert.equal(db?.leftMs, 0);
	// A deadline for each would take more than twice the time.
	assert.ok(tookMs < 2 * budgetMs, `took ${tookMs} of ${budgetMs} ms`);
});

test("Supervisor waits for the drain delay, as a part of the budget", async () => {
	await using lastcall = await startLastcall({ stopTimeout: "61s", drainDelay: "600ms", jobs: { it: waiting("it") } });
	await lastcall.lines.waitFor(/it: running/);
	assert.equal(await stop(lastcall), 0);
	const { askedMs = 0, leftMs = 0 } = reportOf(lastcall, "it");
	assert.ok(askedMs >= 599, `asked after ${askedMs} ms`);
	assert.ok(leftMs > 0 && leftMs <= 59_401, `${leftMs} ms left`);
});

test("Supervisor does not wait for the drain delay when no job is left", async () => {
	using folder = makeDirectory();
	const over = join(folder.path, "over");
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		drainDelay: "30m",
		jobs: { it: { command: shell(`echo up; while ! [ -e ${over} ]; do sleep 0.02; done`) } },
	});
	await lastcall.lines.waitFor(/^up$/);
	lastcall.kill("SIGTERM");
	await lastcall.waitFor("stop.requested");
	writeFileSync(over, "");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("Supervisor cuts the drain delay short when told to hurry", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		drainDelay: "50m",
		jobs: { it: { command: shell("echo up; exec sleep 1000") } },
	});
	await lastcall.lines.waitFor(/^up$/);
	lastcall.kill("SIGINT");
	await lastcall.waitFor("stop.requested");
	// At once it would count as the same Ctrl-C.
	await sleep(300);
	lastcall.kill("SIGINT");
	// Or it would take most of an hour.
	await lastcall.exit();
	assert.equal(reportOf(lastcall, "it").leftMs, 0);
});

test("a restart that is due while the drain delay passes does not happen: nothing is started after the request", async () => {
	await using lastcall = await startLastcall({
		drainDelay: "1500ms",
		jobs: {
			essential: waiting("essential"),
			flaky: { command: shell("exit 3"), restart: "on-failure", restartDelay: "500ms", essential: false },
		},
	});
	await lastcall.lines.waitFor(/essential: running/);
	await lastcall.waitFor("restart.scheduled", "flaky");
	await stop(lastcall);
	const events = lastcall.events.map(({ type }) => type);
	assert.ok(!events.slice(events.indexOf("stop.requested")).includes("job.started"), lastcall.lines.text);
	assert.equal(reportOf(lastcall, "flaky").exit.outcome, "exited");
});
