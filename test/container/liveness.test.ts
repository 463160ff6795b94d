/** Jobs that hang in a container, and a container that is frozen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { describeWhereabouts } from "../../src/observe/describe.ts";
import { docker, HARDENED, mustDocker } from "../helpers/docker.ts";
import { findEvent } from "../helpers/events.ts";
import { jobThere, programThere, type Service, startService } from "../helpers/service.ts";
import { until } from "../helpers/until.ts";

const READY = { timeout: 60_000 };
const HEARTBEAT = { heartbeat: "1s" };
const RESTARTED = { restart: "on-failure", restartDelay: "1ms", stopTimeout: "500ms" };

const living = (data: string) => ({ thread: jobThere("living"), data, readiness: "notify", liveness: HEARTBEAT });

async function hungJobs(service: Service): Promise<string[]> {
	return (await service.events()).flatMap((event) => (event.type === "job.unresponsive" ? [event.job] : []));
}

test("a thread that hangs in a hardened container is named with its place, and starts again", async () => {
	const hung = { thread: jobThere("spinning"), readiness: "notify", liveness: HEARTBEAT, ...RESTARTED };
	await using service = await startService({ jobs: { hung, well: living("idling") } }, { flags: HARDENED });
	await service.waitForLine(/"job":"hung".*"restarts":1/, READY);
	const { where } = findEvent(await service.events(), "job.unresponsive");
	assert.match(where ? describeWhereabouts(where) : "", /^in (work|spinning) \(\/fixtures\/jobs\/spinning\.ts:\d+\)$/);
	await service.untilStatus(
		({ jobs }) => jobs.some(({ name, restarts }) => name === "hung" && restarts > 0),
		"restarted",
	);
	assert.ok(!(await hungJobs(service)).includes("well"));
});

/** Sends a heartbeat ten times a second, by the socket of its job. */
const beating = [
	"perl",
	"-MSocket",
	"-e",
	`socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
	for (;;) { send($s, "WATCHDOG=1", 0, sockaddr_un($ENV{NOTIFY_SOCKET})) or die; select(undef, undef, undef, 0.1) }`,
];

test("docker pause for many heartbeats is no hang; after it a process that is stopped by SIGSTOP is one", async () => {
	const beat = { command: beating, liveness: HEARTBEAT, ...RESTARTED };
	await using service = await startService({
		jobs: {
			hung: beat,
			beating: beat,
			idling: living("idling"),
			busy: living("busy"),
			turning: living("turning"),
			checked: {
				command: programThere("sh", "waiting.sh", "checked"),
				liveness: { command: ["true"], interval: "100ms", timeout: "2s", retries: 1 },
			},
		},
	});
	for (const job of ["idling", "busy", "turning"])
		await service.waitForLine(new RegExp(`"job.ready","job":"${job}"`), READY);
	await service.untilStatus(({ ready }) => ready, "it is ready");
	for (let times = 0; times < 2; times++) {
		await until(async () => (await docker(["pause", service.name])).code === 0, "the engine has paused it");
		// Time has to pass, and nothing else.
		await sleep(3_000);
		await mustDocker(["unpause", service.name]);
	}
	const { code, stderr } = await service.exec(["lastcall", "signal", "hung", "SIGSTOP"]);
	assert.equal(code, 0, stderr);
	await service.waitForLine(/"job":"hung".*"restarts":1/, READY);
	assert.deepEqual(await hungJobs(service), ["hung"]);
	const { where } = findEvent(await service.events(), "job.unresponsive");
	assert.match(where ? describeWhereabouts(where) : "", /^stopped.*perl/);
	await service.stop();
	assert.equal(await service.exitCode(), 0);
	assert.deepEqual(await hungJobs(service), ["hung"]);
});

test("a starved container has no hang: threads that live are left alone beside others that take every turn", async () => {
	const spinning = { thread: jobThere("spinning"), readiness: "notify", stopTimeout: "100ms" };
	const patient = (data: string) => ({ ...living(data), liveness: { heartbeat: "3s" } });
	await using service = await startService(
		{
			jobs: {
				...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`spinning${index}`, spinning])),
				idling: patient("idling"),
				busy: patient("busy"),
				turning: patient("turning"),
				checked: {
					command: programThere("sh", "waiting.sh", "checked"),
					liveness: { command: ["true"], interval: "1s", timeout: "10s", retries: 1 },
				},
				// For many heartbeats.
				once: { command: ["sleep", "15"], essential: false },
			},
		},
		{ flags: ["--cpus=0.5"] },
	);
	await service.waitForLine(/"job.exited","job":"once"/, { timeout: 120_000 });
	assert.deepEqual(await hungJobs(service), []);
});

test("docker stop in the middle of a check: the check ends with it", async () => {
	await using service = await startService({
		jobs: {
			it: {
				command: programThere("sh", "waiting.sh", "it"),
				liveness: { command: ["sh", "-c", 'trap "" TERM; sleep 1000 & wait'], interval: "100ms", timeout: "1h" },
			},
		},
	});
	await until(async () => /sleep 1000/.test((await docker(["top", service.name])).stdout), "it is checked");
	const { ms } = await service.stop();
	assert.equal(await service.exitCode(), 0);
	assert.ok(ms < 9_000, `took ${ms} ms`);
	const { report } = findEvent(await service.events(), "stop.finished");
	assert.equal(report.stragglers.forced, false);
});
