/** The stop sequence, as PID 1 of a PID namespace of its own. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../scripts/lib/command.ts";
import { WITHOUT_BINDING } from "../helpers/bindings.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { MAIN } from "../helpers/main.ts";
import { openPty } from "../helpers/pty.ts";

const waiting = { thread: fixture("waiting"), readiness: "notify" };

for (const [signal, number] of [
	["SIGTERM", 15],
	["SIGINT", 2],
] as const) {
	test(`run() + ${signal} raises the flags, joins the jobs and exits with 0`, async () => {
		await using lastcall = await startLastcall({
			jobs: { one: waiting, two: { thread: fixture("blocking"), readiness: "notify" } },
		});
		await lastcall.waitFor("job.ready", "one");
		await lastcall.waitFor("job.ready", "two");
		lastcall.kill(signal);
		assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
		const { early, ...received } = lastcall.event("signal.received");
		assert.equal(received.signal, signal);
		assert.equal(received.number, number);
		assert.equal(early, false);
		const { report } = lastcall.event("stop.finished");
		assert.deepEqual(
			report.jobs.map(({ job, exit }) => [job, exit.outcome]),
			[
				["one", "finished"],
				["two", "finished"],
			],
		);
		assert.match(lastcall.lines.text, /one: clean shutdown/);
		assert.match(lastcall.lines.text, /two: clean shutdown/);
		assert.equal(lastcall.events.at(-1)?.type, "stop.finished", "nothing is logged after it");
	});
}

test("run() kills only the jobs that are late, names them, and exits with 124", async () => {
	await using lastcall = await startLastcall({
		// The jobs have 4.5 s of it.
		stopTimeout: "5s",
		jobs: {
			good: waiting,
			slow: { thread: fixture("slow"), readiness: "notify", data: 200 },
			deaf: { thread: fixture("deaf"), readiness: "notify" },
			native: { thread: fixture("native"), readiness: "notify" },
		},
	});
	for (const job of ["good", "slow", "deaf", "native"]) await lastcall.waitFor("job.ready", job);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124, lastcall.lines.text);
	const { report } = lastcall.event("stop.finished");
	const { deaf, ...others } = Object.fromEntries(report.jobs.map(({ job, exit }) => [job, exit.outcome]));
	assert.deepEqual(others, { good: "finished", slow: "finished", native: "stuck" });
	// A killed thread that a starved machine has not ended within the reserve counts as stuck.
	assert.match(deaf ?? "", /^(killed|stuck)$/);
	assert.match(lastcall.lines.text, /slow: clean shutdown/);
	const { tookMs, budgetMs, jobsMs } = report;
	assert.ok(tookMs >= jobsMs - 1, `took ${tookMs} ms`);
	// The container tests check that the end comes before the engine's SIGKILL. Here a starved machine may be late.
	assert.ok(tookMs < 2 * budgetMs, `took ${tookMs} of ${budgetMs} ms`);
});

test("run() gives each job its own stopTimeout", async () => {
	using directory = makeDirectory();
	const released = join(directory.path, "released");
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: {
			busy: { thread: fixture("busy"), readiness: "notify", stopTimeout: "50ms" },
			slow: { thread: fixture("held"), readiness: "notify", data: released },
		},
	});
	await lastcall.waitFor("job.ready", "busy");
	await lastcall.waitFor("job.ready", "slow");
	lastcall.kill("SIGTERM");
	await lastcall.waitFor("job.exited", "busy");
	writeFileSync(released, "");
	assert.equal((await lastcall.exit()).code, 124);
	const order = lastcall.events
		.filter(({ type }) => type === "job.killed" || type === "job.exited")
		.map((event) => ("job" in event ? `${event.type} ${event.job}` : ""));
	assert.deepEqual(order, ["job.killed busy", "job.exited busy", "job.exited slow"]);
});

/** Longer than what counts as one press of Ctrl-C. */
const ONE_PRESS_MS = 300;

test("run() + a second SIGINT moves the deadline to now", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { busy: { thread: fixture("busy"), readiness: "notify" } },
	});
	await lastcall.waitFor("job.ready", "busy");
	lastcall.kill("SIGINT");
	await lastcall.waitFor("stop.requested");
	await sleep(ONE_PRESS_MS);
	lastcall.kill("SIGINT");
	assert.equal((await lastcall.exit()).code, 124);
	lastcall.event("stop.hurried");
});

test("run() + SIGINT twice at once is one Ctrl-C", async () => {
	await using lastcall = await startLastcall({
		jobs: { slow: { thread: fixture("slow"), readiness: "notify", data: ONE_PRESS_MS } },
	});
	await lastcall.waitFor("job.ready", "slow");
	lastcall.kill("SIGINT");
	await lastcall.waitFor("stop.requested");
	lastcall.kill("SIGINT");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("run() + a repeated SIGTERM changes nothing", async () => {
	using directory = makeDirectory();
	const released = join(directory.path, "released");
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { slow: { thread: fixture("held"), readiness: "notify", data: released } },
	});
	await lastcall.waitFor("job.ready", "slow");
	lastcall.kill("SIGTERM");
	await lastcall.waitFor("stop.requested");
	lastcall.kill("SIGTERM");
	lastcall.kill("SIGTERM");
	writeFileSync(released, "");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	const requests = lastcall.events.filter(({ type }) => type === "stop.requested");
	assert.equal(requests.length, 1);
});

test("run() goes on when a job that is not essential ends, and ends when the last one has", async () => {
	await using lastcall = await startLastcall({
		jobs: { failing: { thread: fixture("throwing"), essential: false }, main: { ...waiting, essential: false } },
	});
	await lastcall.waitFor("job.exited", "failing");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, "that was before the stop");
	assert.deepEqual(lastcall.event("stop.requested").reason.type, "signal", lastcall.lines.text);

	await using idle = await startLastcall({ jobs: { once: { thread: fixture("returning"), essential: false } } });
	assert.equal((await idle.exit()).code, 0);
	assert.deepEqual(idle.event("stop.requested").reason, { type: "idle" });

	await using failed = await startLastcall({ jobs: { once: { thread: fixture("throwing"), essential: false } } });
	assert.equal((await failed.exit()).code, 1);
});

test("run() says what is wrong with the configuration and exits with 2, with nothing started", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: 10,
		jobs: { mailer: { thread: "./nowhere.ts", stopTimeout: "soon" } },
	});
	assert.equal((await lastcall.exit()).code, 2);
	assert.match(lastcall.lines.text, /Cannot use stopTimeout: 10 has no unit, expected a duration such as "10s"/);
	assert.match(lastcall.lines.text, /Cannot use jobs\.mailer\.stopTimeout: "soon" is not a duration/);
	assert.doesNotMatch(lastcall.lines.text, /\bat .*:\d+:\d+/, "no stack trace");
	assert.deepEqual(lastcall.events, []);
});

test("run() survives whatever is thrown in the main thread, and stops with 1", async () => {
	await using lastcall = await startLastcall(
		{ jobs: { good: waiting } },
		{ nodeFlags: ["--import", fixture("../throw-in-main")] },
	);
	assert.equal((await lastcall.exit()).code, 1, lastcall.lines.text);
	assert.match(lastcall.lines.text, /good: clean shutdown/);
	const { reason } = lastcall.event("stop.requested");
	assert.equal(reason.type === "error" && reason.error.message, "nobody's job");
});

test("run() without a binding says what is missing, and gets out from under a stuck thread all the same", async () => {
	await using lastcall = await startLastcall(
		{
			stopTimeout: "1h",
			jobs: { good: waiting, native: { thread: fixture("native"), readiness: "notify", stopTimeout: "300ms" } },
		},
		{ nodeFlags: WITHOUT_BINDING },
	);
	await lastcall.waitFor("job.ready", "good");
	await lastcall.waitFor("job.ready", "native");
	assert.match(lastcall.lines.text, /"level":"warn".*without reaping orphans/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124, lastcall.lines.text);
	assert.match(lastcall.lines.text, /good: clean shutdown/);
});

test("run() tells of what is thrown during the stop, and exits with 1", async () => {
	using directory = makeDirectory();
	const released = join(directory.path, "released");
	await using lastcall = await startLastcall(
		{ stopTimeout: "1h", jobs: { slow: { thread: fixture("held"), readiness: "notify", data: released } } },
		{ nodeFlags: ["--import", fixture("../throw-after-stop")] },
	);
	await lastcall.waitFor("job.ready", "slow");
	lastcall.kill("SIGTERM");
	await lastcall.waitFor("error.caught");
	writeFileSync(released, "");
	assert.equal((await lastcall.exit()).code, 1, lastcall.lines.text);
	assert.equal(lastcall.event("error.caught").error.message, "too late");
	assert.match(lastcall.lines.text, /slow: clean shutdown/);
});

test("run() does not wait for a configuration that never loads when it is asked to stop", async () => {
	await using lastcall = await startLastcall(
		"console.log('loading'); setInterval(() => {}, 1e6); await new Promise(() => {}); export default {};",
	);
	await lastcall.lines.waitFor(/^loading$/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	assert.match(lastcall.lines.text, /nothing was started/);
});

test("lastcall run -- PROGRAM runs one program with a report, and without a configuration", async () => {
	using empty = makeDirectory();
	const script =
		'process.on("SIGTERM", () => setTimeout(process.exit, 50)); console.log("up"); setInterval(() => {}, 9e8)';
	const args = [MAIN, "run", "--stop-timeout", "7s", "--", process.execPath, "-e", script];
	await using terminal = openPty(process.execPath, args, { cwd: empty.path, cols: 120 });
	await terminal.lines.waitFor(/^up$/);
	terminal.kill("SIGTERM");
	assert.equal((await terminal.exit()).code, 0, terminal.lines.text);
	assert.match(terminal.lines.text, /Job node started as process \d+/);
	assert.match(terminal.lines.text, /^node +━*╸.*exited with code 0 after/m);
	assert.match(terminal.lines.text, /stop timeout 7\.0 s/);

	const failed = await run(process.execPath, [MAIN, "run", "--", "sh", "-c", "exit 3"], { cwd: empty.path });
	assert.equal(failed.code, 3, "the program's own code");
	const missing = await run(process.execPath, [MAIN, "run", "--", "nodee"], { cwd: empty.path });
	assert.equal(missing.code, 2);
	assert.match(missing.stderr, /Cannot use jobs\.nodee\.command: "nodee" not found as a program/);
});
