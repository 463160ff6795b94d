/** Real jobs that hang, and real jobs that only look so. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { describeWhereabouts } from "../../src/observe/describe.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { fixture, type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { freePort } from "../helpers/ports.ts";
import { program, shell } from "../helpers/programs.ts";

const living = (data: string, explicit = false) => ({
	thread: fixture("living"),
	data,
	readiness: "notify",
	liveness: { heartbeat: "1s", ...(explicit && { explicit }) },
});
/** Ends the program when it has hung for the second time. */
const RESTARTED = { restart: "on-failure", restartDelay: "1ms", maxRestarts: 1, stopTimeout: "100ms" };

/** What was told of a job, in order. */
function storyOf(lastcall: Lastcall, job: string): string[] {
	return lastcall.events.filter((event) => "job" in event && event.job === job).map(({ type }) => type);
}

function hungJobs(lastcall: Lastcall): string[] {
	return lastcall.events.flatMap((event) => (event.type === "job.unresponsive" ? [event.job] : []));
}

test("a thread in a busy loop is named with its place, stopped and restarted; threads that live in any other way are left alone", async () => {
	await using lastcall = await startLastcall({
		logLevel: "debug",
		jobs: {
			hung: { thread: fixture("spinning"), readiness: "notify", liveness: { heartbeat: "1s" }, ...RESTARTED },
			idling: living("idling"),
			busy: living("busy"),
			turning: living("turning"),
			waiting: living("waiting"),
			polling: living("polling"),
			saying: living("saying", true),
		},
	});
	const { code } = await lastcall.exit();
	assert.equal(code, 1, lastcall.lines.text);
	assert.deepEqual(hungJobs(lastcall), ["hung", "hung"]);
	const { where, found } = lastcall.event("job.unresponsive", "hung");
	assert.match(found, /^no heartbeat for \d\.\d s$/);
	assert.match(where ? describeWhereabouts(where) : "", /^in (work|spinning) \(.*spinning\.ts:\d+\)$/);
	const run = ["job.started", "job.ready", "job.unresponsive", "job.stopRequested", "job.killed", "job.exited"];
	assert.deepEqual(storyOf(lastcall, "hung"), [...run, "restart.scheduled", ...run]);
	const { report } = lastcall.event("stop.finished");
	assert.equal(report.reason.type === "job" && report.reason.exit.outcome, "unresponsive");
	for (const { job, exit } of report.jobs) if (job !== "hung") assert.equal(exit.outcome, "finished", job);
});

test("a function in a process of its own lives and hangs as in a thread", async () => {
	const inProcess = ({ thread, ...job }: ReturnType<typeof living>) => ({ ...job, process: thread });
	await using lastcall = await startLastcall({
		logLevel: "debug",
		jobs: {
			hung: { process: fixture("spinning"), readiness: "notify", liveness: { heartbeat: "1s" }, ...RESTARTED },
			idling: inProcess(living("idling")),
			busy: inProcess(living("busy")),
			turning: inProcess(living("turning")),
			waiting: inProcess(living("waiting")),
			saying: inProcess(living("saying", true)),
			mute: { ...inProcess(living("idling", true)), essential: false },
		},
	});
	assert.equal((await lastcall.exit()).code, 1, lastcall.lines.text);
	assert.deepEqual(hungJobs(lastcall).sort(), ["hung", "hung", "mute"]);
	assert.equal(lastcall.event("job.unresponsive", "hung").where?.type, "process");
	const { report } = lastcall.event("stop.finished");
	const others = report.jobs.filter(({ job }) => job !== "hung" && job !== "mute");
	for (const { job, exit } of others) assert.equal(exit.outcome, "finished", job);
});

/** Sends `times` heartbeats, then none. */
const beating = (times: number) =>
	shell(
		`exec perl -MSocket -e '
			$| = 1;
			print "$$ has $ENV{WATCHDOG_USEC}\\n";
			socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
			my $to = sockaddr_un($ENV{NOTIFY_SOCKET});
			send($s, "READY=1", 0, $to) or die;
			for (1..${times}) { send($s, "STATUS=works\\nWATCHDOG=1", 0, $to) or die; select(undef, undef, undef, 0.1) }
			sleep 1000'`,
	);

/** They mostly wait. */
suite("jobs that hang", { concurrency: 3 }, () => {
	test("explicit: an event loop that waits is no sign of life", async () => {
		await using lastcall = await startLastcall({
			logLevel: "debug",
			jobs: { hung: { ...living("idling", true), ...RESTARTED, maxRestarts: 0 }, saying: living("saying", true) },
		});
		const { code } = await lastcall.exit();
		assert.equal(code, 1);
		assert.deepEqual(hungJobs(lastcall), ["hung"]);
		assert.equal(lastcall.event("job.unresponsive").where?.type, "idle");
		assert.deepEqual(storyOf(lastcall, "hung").slice(-2), ["job.stopRequested", "job.exited"], "it sees its flag");
	});

	test("a process lives as long as it sends WATCHDOG=1", async () => {
		const job = { readiness: "notify", liveness: { heartbeat: "500ms" } };
		await using lastcall = await startLastcall(
			{ jobs: { hung: { ...job, command: beating(8) }, well: { ...job, command: beating(1_000) } } },
			{ env: { WATCHDOG_USEC: "1", WATCHDOG_PID: "1" } },
		);
		const { code } = await lastcall.exit();
		assert.equal(code, 1, lastcall.lines.text);
		assert.deepEqual(hungJobs(lastcall), ["hung"]);
		assert.match(lastcall.lines.text, /^\d+ has 500000$/m);
		const { where } = lastcall.event("job.unresponsive");
		assert.match(where ? describeWhereabouts(where) : "", /^sleeping.*perl/);
		assert.equal(lastcall.event("job.exited", "hung").exit.outcome, "signaled", "SIGTERM was enough");
	});

	test("checks by http, tcp and command find who does not answer, and say why", async () => {
		using directory = makeDirectory({ well: "" });
		const [port, closed] = [await freePort(), await freePort()];
		const check = { interval: "100ms", timeout: "2s", retries: 2 };
		const job = { command: program("waiting.sh", "it"), essential: false };
		const well = { ...job, liveness: { ...check, command: ["test", "-e", join(directory.path, "well")] } };
		await using lastcall = await startLastcall({
			jobs: {
				well,
				// Answers 503 four times; without the retries it would never be found well.
				server: {
					command: program("server.cjs", port, 4),
					readiness: { tcp: `127.0.0.1:${port}` },
					liveness: { ...check, http: `http://127.0.0.1:${port}/`, retries: 5 },
				},
				tcp: { ...job, liveness: { ...check, tcp: `127.0.0.1:${closed}` } },
				failing: { ...job, liveness: { ...check, command: shell("echo no table >&2; exit 3") } },
				silent: { ...job, liveness: { ...check, command: ["sleep", "1000"], timeout: "200ms" } },
			},
		});
		const found = async (name: string) => {
			await lastcall.waitFor("job.exited", name);
			return lastcall.event("job.unresponsive", name).found;
		};
		assert.match(await found("tcp"), /^2 checks in a row have failed, the last one: .*ECONNREFUSED/);
		assert.match(await found("failing"), /: the command exited with code 3: no table$/);
		assert.match(await found("silent"), /: no answer in 200 ms$/);
		await lastcall.lines.waitFor(/answers 200/);
		lastcall.kill("SIGTERM");
		const { code } = await lastcall.exit();
		assert.equal(code, 0, lastcall.lines.text);
		assert.deepEqual(hungJobs(lastcall).sort(), ["failing", "silent", "tcp"]);
		assert.ok(existsSync(join(directory.path, "well")));
		assert.deepEqual(lastcall.event("stop.finished").report.stragglers.found, [], "no check is left");
	});

	test("a stop in the middle of a check does not wait for the check", async () => {
		using directory = makeDirectory({});
		const mark = join(directory.path, "checking");
		await using lastcall = await startLastcall({
			jobs: {
				it: {
					command: program("waiting.sh", "it"),
					liveness: {
						command: shell(`touch ${mark}; trap "" TERM; sleep 1000 & wait`),
						interval: "100ms",
						timeout: "1h",
					},
				},
			},
		});
		await lastcall.lines.waitFor(/it: running/);
		while (!existsSync(mark)) await new Promise(setImmediate);
		lastcall.kill("SIGTERM");
		const { code } = await lastcall.exit();
		assert.equal(code, 0, lastcall.lines.text);
		const { report } = lastcall.event("stop.finished");
		assert.equal(report.stragglers.forced, false, "the check was killed by itself");
	});

	for (const onStuck of [undefined, "exit"] as const)
		test(`a thread that hangs in native code is named and cannot be replaced; onStuck: ${onStuck}`, async () => {
			const port = await freePort();
			await using lastcall = await startLastcall({
				stopTimeout: "2s",
				http: { port },
				jobs: {
					hung: {
						thread: fixture("native"),
						readiness: "notify",
						liveness: { heartbeat: "500ms", onStuck },
						restart: "always",
						stopTimeout: "100ms",
						essential: false,
					},
					well: living("idling"),
				},
			});
			await lastcall.waitFor("job.exited", "hung");
			const { where } = lastcall.event("job.unresponsive");
			assert.match(where ? describeWhereabouts(where) : "", /^in native code: .*open/);
			assert.equal(lastcall.event("job.exited", "hung").exit.outcome, "stuck");
			if (onStuck === undefined) {
				const get = async (path: string) => {
					const response = await fetch(`http://127.0.0.1:${port}${path}`);
					return `${response.status} ${await response.text()}`;
				};
				assert.equal(await get("/livez"), "503 hung: unresponsive, and stuck\n");
				assert.match(await get("/readyz"), /^200/, "it is not essential");
				const metrics = await get("/metrics");
				assert.match(metrics, /^lastcall_job_alive\{job="hung"\} 0$/m);
				assert.match(metrics, /^lastcall_job_alive\{job="well"\} 1$/m);
				assert.match(metrics, /^lastcall_job_unresponsive_total\{job="hung"\} 1$/m);
				const { jobs } = JSON.parse((await get("/status")).slice(4));
				assert.deepEqual(
					jobs.map(({ state, alive }: { state: string; alive?: boolean }) => [state, alive]),
					[
						["ended", false],
						["ready", true],
					],
				);
				lastcall.kill("SIGTERM");
				assert.equal((await lastcall.exit()).code, 0);
			} else assert.equal((await lastcall.exit()).code, 124);
			assert.deepEqual(hungJobs(lastcall), ["hung"]);
		});
});
