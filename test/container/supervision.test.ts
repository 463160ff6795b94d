/** A whole service in a container: order, status by docker exec, limits, and what is left behind. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { type Container, HARDENED, runContainer } from "../helpers/docker.ts";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { exampleImage } from "../helpers/images.ts";
import { recordsOf } from "../helpers/records.ts";
import { jobThere, startService } from "../helpers/service.ts";

const ROOT = join(import.meta.dirname, "../..");
const READY = { timeout: 60_000 };

let image: string;
before(async () => {
	image = await exampleImage();
});

/** The socket is made a moment after the jobs. */
async function untilReady(container: Container): Promise<string> {
	let answer = "";
	for (let tries = 0; tries < 20; tries++) {
		const status = await container.exec(["lastcall", "status"]);
		if (status.code === 0) return status.stdout;
		answer = status.stdout + status.stderr;
	}
	throw new Error(`It was never ready: ${answer}`);
}

const waiting = (name: string) => ({ command: ["/bin/sh", "/fixtures/programs/waiting.sh", name] });

test("examples/service is healthy in a hardened container, answers status, and stops in the opposite order", async () => {
	await using container = await runContainer({
		image,
		flags: [
			...HARDENED,
			// Below the image's node_modules.
			`--volume=${ROOT}/examples/service:/app/service:ro`,
			"--workdir=/app/service",
			"--health-cmd=lastcall status",
			"--health-interval=1s",
		],
	});
	await container.waitForLine(/Job web is ready/, READY);
	await container.waitForLine(/Job mailer is ready/, READY);
	// Neither /run nor /tmp can be written here.
	const status = await untilReady(container);
	assert.match(status, /^migrate +completed/m);
	assert.match(status, /^web +ready .*process \d+/m);
	assert.match(status, /^mailer +ready .*thread 1/m);
	const probe = await container.exec([
		"node",
		"-e",
		"fetch('http://127.0.0.1:9000/readyz').then((r) => console.log(r.status))",
	]);
	assert.equal(probe.stdout, "200\n");

	await container.stop();
	assert.equal(await container.exitCode(), 0);
	const lines = (await container.logs()).stdout.split("\n");
	assert.ok(lines.includes("Migrated the database"), "output as it was");
	assert.deepEqual(
		recordsOf(lines, "web").map(({ msg, stream }) => `${stream}: ${msg}`),
		["stdout: Listening on port 8080", "stdout: Answered the last request"],
	);
	const { report } = findEvent(parseEvents(lines), "stop.finished");
	const asked = report.jobs.map(({ job, askedMs }) => [job, askedMs ?? -1]);
	for (const [job, ms] of asked)
		if (job === "migrate") assert.equal(ms, -1, "it had ended");
		else assert.ok(Number(ms) >= 200, `${job} was asked after the drain delay`);
});

test("lastcall stop, restart and signal work by docker exec", async () => {
	await using container = await startService({ jobs: { a: waiting("a"), b: waiting("b") } }, { flags: HARDENED });
	await container.waitForLine(/a: running/, READY);
	await container.waitForLine(/b: running/, READY);
	await untilReady(container);
	const restart = await container.exec(["lastcall", "restart", "a"]);
	assert.equal(restart.stdout, "Job a is ready\n", restart.stderr);
	const stop = await container.exec(["lastcall", "stop", "b"]);
	assert.match(stop.stdout, /^Job b has stopped after \d+ ms\n$/);
	const signal = await container.exec(["lastcall", "signal", "a", "SIGTERM"]);
	assert.equal(signal.stdout, "Sent SIGTERM to job a\n");
	// a is essential, and has ended by itself.
	assert.equal(await container.wait(), 0);
	const started = (await container.events()).filter((event) => event.type === "job.started" && event.job === "a");
	assert.equal(started.length, 2);
});

test("a container at its limit of processes: the job that cannot start is told, the stop works all the same", async () => {
	await using container = await startService(
		{
			jobs: {
				late: { command: ["true"], restart: "always", restartDelay: "100ms", essential: false },
				// Takes every process there is, again and again.
				hog: {
					command: [
						"perl",
						"-e",
						"while (1) { my $p = fork; sleep 1000 if defined $p && !$p; select(undef, undef, undef, 0.01) if !defined $p }",
					],
				},
			},
		},
		{ flags: ["--pids-limit=60"] },
	);
	await container.waitForLine(/"job":"late".*"outcome":"not-started".*EAGAIN/, READY);
	await container.stop();
	// late may have failed last.
	assert.ok((await container.exitCode()) <= 1);
	const events = await container.events();
	const { report } = findEvent(events, "stop.finished");
	assert.ok(report.tookMs < report.budgetMs, `took ${report.tookMs} ms`);
	assert.deepEqual(report.stragglers.found, [], "all went with the hog");
});

test("a container at its limit of processes: a thread that does not stop is named, and nothing aborts", async () => {
	await using container = await startService(
		{
			stopTimeout: "3s",
			jobs: {
				busy: { thread: jobThere("busy"), readiness: "notify" },
				// A daemon of its takes every process there is, and goes on doing so when the job has been killed.
				hog: {
					command: [
						"perl",
						"-e",
						`use POSIX "setsid"; $SIG{TERM} = "IGNORE"; sleep 1000 if fork; setsid; $| = 1;
						while (1) { my $p = fork; if (!defined $p) { print "full\n" if !$full++; select(undef, undef, undef, 0.001) } elsif (!$p) { sleep 1000 } }`,
					],
					dependsOn: ["busy"],
				},
			},
		},
		{ flags: ["--pids-limit=60"] },
	);
	await container.waitForLine(/^full$/, READY);
	await container.stop();
	assert.equal(await container.exitCode(), 124);
	const { report } = findEvent(await container.events(), "stop.finished");
	assert.ok(report.tookMs < report.budgetMs, `took ${report.tookMs} ms`);
	const busy = report.jobs.find(({ job }) => job === "busy");
	assert.equal(busy?.exit.outcome, "killed");
});

test("a job that did not stop is named with its place in the termination message", async () => {
	using directory = makeDirectory({ "termination-log": "" });
	const file = join(directory.path, "termination-log");
	chmodSync(file, 0o666);
	await using container = await startService(
		{ stopTimeout: "2s", jobs: { deaf: { command: ["/bin/sh", "/fixtures/programs/deaf.sh"] } } },
		{ flags: [...HARDENED, `--volume=${file}:/dev/termination-log`] },
	);
	await container.waitForLine(/deaf: running/, READY);
	await container.stop(3);
	assert.equal(await container.exitCode(), 124);
	assert.match(
		readFileSync(file, "utf8"),
		/^Exit code 124, .*: SIGTERM\ndeaf: killed after 1\.\d s: (sleeping|running).*: \/bin\/sh \/fixtures\/programs\/deaf\.sh, \d+ \(.*sleep 1000\)\n$/,
	);
});
