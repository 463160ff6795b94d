/** At the container's limits: of processes, of memory, of CPU time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../../src/supervisor/events.ts";
import { runContainer } from "../helpers/docker.ts";
import { findEvent } from "../helpers/events.ts";
import { keepFigures } from "../helpers/figures.ts";
import { appsImage } from "../helpers/images.ts";
import { freePort } from "../helpers/ports.ts";
import { jobThere, programThere, type Service, startService } from "../helpers/service.ts";

const READY = { timeout: 120_000 };

function exitsOf(events: readonly Event[], job: string) {
	return events.filter((event) => event.type === "job.exited" && event.job === job);
}

function memory(limit: string): string[] {
	// Without swap, else the limit is twice as much.
	return [`--memory=${limit}`, `--memory-swap=${limit}`];
}

/** Waits for the report, and checks that the engine had no need to kill anything. */
async function reportOf(service: Service) {
	const { report } = findEvent(await service.events(), "stop.finished");
	assert.ok(report.tookMs < report.budgetMs, `took ${report.tookMs} ms`);
	return report;
}

for (const { kind, args, code } of [
	{ kind: "", args: [], code: 0 },
	// Its leader is late, and is killed with its whole group.
	{ kind: " that is deaf to SIGTERM", args: ["deaf"], code: 124 },
])
	test(`a fork bomb${kind} against --pids-limit: the init answers, the stop ends everything within its budget, with ${code}`, async (t) => {
		const port = await freePort();
		await using service = await startService(
			{
				http: { port },
				jobs: {
					keeper: { thread: jobThere("waiting"), readiness: "notify" },
					bomb: {
						command: programThere("perl", "bomb.pl", ...args),
						dependsOn: ["keeper"],
						// It leaves the init little of the processor: what takes milliseconds takes seconds.
						...(args.length > 0 && { stopTimeout: "2s" }),
					},
					// Notices that the limit is reached, and fails for it as long as it lasts.
					late: { command: ["true"], dependsOn: ["bomb"], restart: "always", restartDelay: "200ms", essential: false },
				},
			},
			// The bomb may have one processor for itself, not the whole machine.
			{ flags: ["--pids-limit=64", "--cpus=1"], network: "host" },
		);
		await service.waitForLine(/"job":"late".*"outcome":"not-started".*EAGAIN/, READY);
		let slowestMs = 0;
		for (let turn = 0; turn < 10; turn++) {
			const start = performance.now();
			const answer = await fetch(`http://127.0.0.1:${port}/livez`);
			assert.equal(answer.status, 200);
			slowestMs = Math.max(slowestMs, performance.now() - start);
		}
		const { ms } = await service.stop();
		const report = await reportOf(service);
		const stopOf = (job: string) => report.jobs.find((stop) => stop.job === job);
		assert.equal(stopOf("keeper")?.exit.outcome, "finished");
		// Its start may have failed in the moment of the stop.
		const late = stopOf("late");
		const failed = late?.askedMs !== undefined && late.exit.outcome === "not-started";
		assert.equal(await service.exitCode(), code || Number(failed));
		keepFigures(t, "storms", `fork bomb${kind}, --pids-limit=64 --cpus=1`, {
			"slowest answer of /livez, ms": Math.round(slowestMs),
			"stop, ms": Math.round(report.tookMs),
			"docker stop, ms": Math.round(ms),
		});
	});

for (const major of [26, 24] as const)
	test(`an app that blocks its main thread at --pids-limit, on Node.js ${major}: it ends by itself with 124, and names the handler`, async () => {
		await using container = await runContainer({
			image: await appsImage(major),
			args: [...["--import", "lastcall/register"], ...["apps/stopping.ts", "busy", "crowd"]],
			flags: ["--entrypoint=node", "--pids-limit=64"],
			env: { LASTCALL_STOP_TIMEOUT: "3s" },
		});
		await container.waitForLine(/^spawn sleep EAGAIN$/, READY);
		await container.stop(3);
		const { stderr } = await container.logs();
		assert.equal(await container.exitCode(), 124, stderr);
		assert.match(stderr, /^lastcall: Stop handler "busy" blocks the event /m);
	});

test("a thread at its resourceLimits, in a container of 256 MB: it alone ends, and is named; the others go on", async () => {
	await using service = await startService(
		{
			jobs: {
				keeper: { thread: jobThere("waiting"), readiness: "notify" },
				hungry: { thread: jobThere("hungry"), resourceLimits: { maxOldGenerationSizeMb: 32 }, essential: false },
			},
		},
		{ flags: memory("256m") },
	);
	await service.waitForLine(/"job.exited","job":"hungry"/, READY);
	await service.untilStatus(({ ready }) => ready, "the keeper is ready");
	await service.stop();
	assert.equal(await service.exitCode(), 0);
	const { OOMKilled } = await service.ended();
	assert.equal(OOMKilled, false);
	const report = await reportOf(service);
	assert.deepEqual(
		report.jobs.map(({ job, exit }) => [job, exit.outcome]),
		[
			["keeper", "finished"],
			["hungry", "out-of-memory"],
		],
	);
});

test("a process job at the memory limit: the kernel ends it, lastcall names it and starts it again, and ends with its 137 when it is essential", async () => {
	await using service = await startService(
		{
			jobs: {
				keeper: { thread: jobThere("waiting"), readiness: "notify" },
				growing: {
					command: programThere("perl", "growing.pl", 1_000),
					dependsOn: ["keeper"],
					restart: "on-failure",
					restartDelay: "100ms",
					maxRestarts: 1,
				},
			},
		},
		{ flags: memory("256m") },
	);
	assert.equal(await service.wait(120_000), 137);
	const events = await service.events();
	const exits = exitsOf(events, "growing");
	assert.equal(exits.length, 2);
	for (const event of exits)
		assert.deepEqual(event.type === "job.exited" && event.exit, { outcome: "signaled", signal: "SIGKILL" });
	const report = await reportOf(service);
	assert.equal(report.reason.type === "job" && report.reason.job, "growing");
	assert.equal(report.jobs.find(({ job }) => job === "keeper")?.exit.outcome, "finished");
});

test("many small processes at the memory limit: the kernel takes one of them, though the init is bigger than each", async (t) => {
	const small = 14;
	await using service = await startService(
		{
			jobs: {
				keeper: { thread: jobThere("waiting"), readiness: "notify" },
				...Object.fromEntries(
					Array.from({ length: small }, (_, index) => [
						`small${index}`,
						{ command: programThere("perl", "growing.pl", 60), dependsOn: ["keeper"], essential: false },
					]),
				),
			},
		},
		{ flags: memory("512m") },
	);
	await service.waitForLine(/"job":"small\d+".*"signal":"SIGKILL"/, READY);
	await service.waitForLine(/^growing: has 60 MB$/, READY);
	await service.stop();
	// The kernel may take one more during the stop.
	assert.ok((await service.exitCode()) <= 1);
	const report = await reportOf(service);
	const killed = report.jobs.filter(({ exit }) => exit.outcome === "signaled" && exit.signal === "SIGKILL");
	assert.ok(killed.length > 0 && killed.length < small, `${killed.length}`);
	assert.equal(report.jobs.length, small + 1);
	assert.equal(report.jobs.find(({ job }) => job === "keeper")?.exit.outcome, "finished");
	keepFigures(t, "storms", `${small} processes of 60 MB in 512 MB`, {
		"ended by the kernel and named": killed.length,
		"init ended by the kernel": 0,
	});
});

test("a thread that takes buffers until the container is full: the kernel ends the init, and the engine says so", async () => {
	await using service = await startService(
		{ jobs: { buffers: { thread: jobThere("buffers") } } },
		{ flags: memory("256m") },
	);
	assert.equal(await service.wait(120_000), 137);
	const { OOMKilled } = await service.ended();
	assert.equal(OOMKilled, true);
});

test("--cpus 0.1: it starts, answers, and stops within the stop timeout, by itself", async (t) => {
	const start = performance.now();
	await using service = await startService(
		{
			jobs: {
				one: { thread: jobThere("waiting"), readiness: "notify" },
				two: { thread: jobThere("waiting"), readiness: "notify" },
				three: { command: programThere("sh", "waiting.sh", "three"), dependsOn: ["one"] },
			},
		},
		{ flags: ["--cpus=0.1"] },
	);
	await service.waitForLine(/^three: running$/, READY);
	await service.waitForLine(/"job.ready","job":"two"/, READY);
	const startMs = performance.now() - start;
	const asked = performance.now();
	const status = await service.exec(["lastcall", "status"], READY);
	const statusMs = performance.now() - asked;
	assert.equal(status.code, 0, status.stdout + status.stderr);
	const { ms } = await service.stop();
	assert.equal(await service.exitCode(), 0);
	const report = await reportOf(service);
	const lines = await service.lines();
	for (const job of ["one", "two", "three"]) assert.ok(lines.includes(`${job}: clean shutdown`));
	keepFigures(t, "storms", "--cpus 0.1", {
		"start of three jobs, ms": Math.round(startMs),
		"lastcall status, ms": Math.round(statusMs),
		"stop, ms": Math.round(report.tookMs),
		"docker stop, ms": Math.round(ms),
	});
});
