/** docker pause across a stop: time goes on, nobody runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { docker, mustDocker } from "../helpers/docker.ts";
import { findEvent } from "../helpers/events.ts";
import { keepFigures } from "../helpers/figures.ts";
import { jobThere, programThere, type Service, startService } from "../helpers/service.ts";
import { until } from "../helpers/until.ts";

const READY = { timeout: 60_000 };
/** Of which the jobs have 4.5 s. */
const STOP_TIMEOUT = "5s";
const STOP_TIMEOUT_MS = 5_000;

const quick = { thread: jobThere("waiting"), readiness: "notify" };
const slow = (ms: number) => ({ thread: jobThere("slow"), data: ms, readiness: "notify" });

async function untilReady(service: Service, ...jobs: string[]) {
	for (const job of jobs) await service.waitForLine(new RegExp(`"job.ready","job":"${job}"`), READY);
}

/** A process that forks in this very moment can be in the way of the freezer: then the engine refuses. */
async function pause({ name }: Service): Promise<void> {
	await until(async () => (await docker(["pause", name])).code === 0, "the engine has paused it");
}

/** How the jobs ended: outcome, and whether they were called late. */
async function storyOf(service: Service) {
	const { report } = findEvent(await service.events(), "stop.finished");
	const jobs = Object.fromEntries(
		report.jobs.map(({ job, exit, killed }) => [job, killed ? `${exit.outcome}, late` : exit.outcome]),
	);
	return { report, jobs };
}

test("docker stop of a paused container: the engine thaws it, and the stop is a clean one", async (t) => {
	await using service = await startService({ jobs: { quick, slow: slow(300) } });
	await untilReady(service, "quick", "slow");
	await pause(service);
	const { ms } = await service.stop();
	assert.equal(await service.exitCode(), 0);
	const { jobs } = await storyOf(service);
	assert.deepEqual(jobs, { quick: "finished", slow: "finished" });
	keepFigures(t, "storms", "docker stop of a paused container", {
		"docker stop, ms (a job needs 300)": Math.round(ms),
	});
});

test("docker pause in the middle of a stop until the stop timeout has passed: who had joined has joined, who had not is named, it ends right after the thaw", async (t) => {
	await using service = await startService({
		stopTimeout: STOP_TIMEOUT,
		jobs: {
			quick,
			busy: { thread: jobThere("busy"), readiness: "notify" },
			// Would have been done in time.
			tidying: { command: programThere("sh", "tidying.sh", 3) },
		},
	});
	await untilReady(service, "quick", "busy");
	await service.waitForLine(/^tidying: running$/, READY);
	await service.kill("TERM");
	await service.waitForLine(/"job.exited","job":"quick"/, READY);
	await pause(service);
	// Time has to pass, and nothing else.
	await sleep(STOP_TIMEOUT_MS + 1_000);
	await mustDocker(["unpause", service.name]);
	const thawed = performance.now();
	const code = await service.wait(30_000);
	const ms = performance.now() - thawed;
	const { jobs, report } = await storyOf(service);
	assert.equal(code, 124);
	assert.equal(jobs.quick, "finished");
	// On a loaded machine a killed thread may not be gone within the reserve.
	assert.match(jobs.busy ?? "", /^(killed|stuck), late$/);
	// It has slept its time out: whether it came first is for the kernel to say. But what is told of it is true.
	if (jobs.tidying === "exited") assert.ok((await service.lines()).includes("tidying: clean shutdown"));
	else assert.match(jobs.tidying ?? "", /^(killed|stuck), late$/);
	assert.ok(report.tookMs > STOP_TIMEOUT_MS, `took ${report.tookMs} ms`);
	assert.ok(ms < STOP_TIMEOUT_MS, `ended ${ms} ms after the thaw`);
	keepFigures(t, "storms", "docker pause beyond the stop timeout", {
		"called late though it had joined": 0,
		"from the thaw to the end, ms": Math.round(ms),
	});
});

test("an init that is stopped beyond the deadline looks once more before it kills: who has ended meanwhile has joined", async () => {
	await using service = await startService({
		stopTimeout: STOP_TIMEOUT,
		jobs: {
			inherited: { command: programThere("sh", "tidying.sh", 0.5) },
			logged: { command: programThere("sh", "tidying.sh", 0.5), output: "log" },
		},
	});
	await service.waitForLine(/^tidying: running$/, READY);
	await service.waitForLine(/"job":"logged".*tidying: running/, READY);
	await service.kill("TERM");
	await service.waitForLine(/Stopping: SIGTERM/, READY);
	// SIGSTOP reaches PID 1 from outside of its namespace.
	await service.kill("STOP");
	const stopped = performance.now();
	await until(
		async () => {
			const { stdout } = await service.exec(["sh", "-c", "cat /proc/[0-9]*/stat"]);
			return (stdout.match(/^\d+ \(sh\) Z 1 /gm)?.length ?? 0) === 2;
		},
		"both have ended, and wait for the init",
		30_000,
	);
	await sleep(STOP_TIMEOUT_MS - (performance.now() - stopped));
	await service.kill("CONT");
	assert.equal(await service.wait(30_000), 0);
	const { jobs } = await storyOf(service);
	assert.deepEqual(jobs, { inherited: "exited", logged: "exited" });
	const lines = await service.lines();
	assert.ok(lines.includes("tidying: clean shutdown"));
	assert.ok(
		lines.some((line) => /"job":"logged".*tidying: clean/.test(line)),
		"what it wrote at last is logged",
	);
});
