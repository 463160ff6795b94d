/** `docker run` and `docker stop`, as users do them. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Container, client, HARDENED, runContainer } from "../helpers/docker.ts";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { BASES, exampleImage, fixtureImage } from "../helpers/images.ts";
import { openPty } from "../helpers/pty.ts";
import { jobThere, startService } from "../helpers/service.ts";

const READY = { timeout: 60_000 };

async function report(container: Container) {
	const { stdout } = await container.logs();
	return findEvent(parseEvents(stdout.split("\n")), "stop.finished").report;
}

// What holds must hold through node:ffi (Node.js 26) and through koffi (Node.js 24).
const BINDINGS = { 26: /^node:ffi$/, 24: /^koffi$/, alpine: /^(node:ffi|koffi)$/ };
for (const { name, base, skip } of BASES) {
	suite(name, { skip }, () => {
		let example: string;
		let fixtures: string;
		before(async () => {
			example = await exampleImage(base);
			fixtures = await fixtureImage(base);
		});

		test("an image whose STOPSIGNAL is another one: stopSignals has it, and docker stop ends it with 0", async () => {
			const jobs = { keeper: { thread: jobThere("waiting"), readiness: "notify" } };
			const config = { stopSignals: ["SIGQUIT"], jobs };
			await using service = await startService(config, { image: example, flags: ["--stop-signal=SIGQUIT"] });
			await service.waitForLine(/"job.ready","job":"keeper"/, READY);
			await service.stop();
			assert.equal(await service.exitCode(), 0);
		});

		test("docker stop ends the example with 0, every job's clean shutdown done", async () => {
			await using container = await runContainer({ image: example, flags: HARDENED });
			await container.waitForLine(/Job counter is ready/, READY);
			await container.waitForLine(/Job heartbeat is ready/, READY);
			assert.notEqual((await container.exec(["id", "-u"])).stdout.trim(), "0");
			await container.stop();
			assert.equal(await container.exitCode(), 0);

			const { stdout } = await container.logs();
			const lines = stdout.trimEnd().split("\n");
			const story = [
				/lastcall \S+ started as process 1, the container's init/,
				/Job counter started as thread 1/,
				/Job heartbeat started as thread 2/,
				/Caught signal 15 \(SIGTERM\)/,
				/"msg":"Thread 1 \(counter\) stopped at \d+"/,
				/"msg":"Thread 2 \(heartbeat\) stopped after \d+ beats"/,
				/Exiting main program with code 0: 2 of 2 jobs joined/,
			].map((pattern) => lines.findIndex((line) => pattern.test(line)));
			assert.ok(!story.includes(-1), stdout);
			assert.equal(story.at(-1), lines.length - 1, "the last line is there");
			const events = parseEvents(lines);
			assert.match(findEvent(events, "init.started").binding, BINDINGS[base]);
			const { tookMs } = findEvent(events, "stop.finished").report;
			// Both jobs sleep when the flag goes up: a job that polled every 500 ms would show.
			assert.ok(tookMs < 1_000, `took ${tookMs} ms`);
		});

		test("docker stop -t 3 with jobs that do not stop: the good ones join, the bad ones are named, it ends by itself with 124", async () => {
			await using container = await runContainer({
				image: fixtures,
				args: ["run", "configs/late.json"],
				flags: [...HARDENED, "--tmpfs=/tmp"],
			});
			for (const job of ["good", "slow", "busy", "native"])
				await container.waitForLine(new RegExp(`Job ${job} is ready`), READY);
			await container.stop(3);
			const { stdout } = await container.logs();
			assert.equal(await container.exitCode(), 124, stdout);
			assert.match(stdout, /^good: clean shutdown$/m);
			assert.match(stdout, /^slow: clean shutdown$/m);
			const { jobs } = await report(container);
			assert.deepEqual(Object.fromEntries(jobs.map(({ job, exit }) => [job, exit.outcome])), {
				good: "finished",
				slow: "finished",
				busy: "killed",
				native: "stuck",
			});
		});

		test("5,000 orphans under running jobs: no zombie is left, every exit of a child arrives", async () => {
			await using container = await runContainer({ image: fixtures, args: ["run", "configs/storm.json"] });
			const timeout = 120_000;
			for (const line of [
				/^orphans: the shell ended with 0$/,
				/^children: 200 children, 0 wrong$/,
				/^more: 200 children, 0 wrong$/,
			])
				await container.waitForLine(line, { timeout });
			const { stdout } = await container.exec(["sh", "-c", "cat /proc/[0-9]*/stat"]);
			assert.match(stdout, /^1 \(/m);
			assert.doesNotMatch(stdout, /^\d+ \(.*\) Z /m);
			await container.stop();
			assert.equal(await container.exitCode(), 0);
			const events = parseEvents((await container.logs()).stdout.split("\n"));
			const reaped = events.filter(({ type }) => type === "orphan.reaped");
			assert.ok(reaped.length >= 5_000, `reaped ${reaped.length}`);
		});
	});
}

test("docker kill -s INT twice: the second one means now", async () => {
	await using container = await runContainer({ image: await fixtureImage(), args: ["run", "configs/busy.json"] });
	await container.waitForLine(/Job busy is ready/, READY);
	await container.kill("INT");
	await container.waitForLine(/Stopping: SIGINT/);
	// At once it would count as the same Ctrl-C.
	await sleep(300);
	await container.kill("INT");
	assert.equal(await container.wait(), 124);
});

test("a shell that somebody has open by docker exec neither delays the stop nor spoils its exit code", async () => {
	await using container = await runContainer({ image: await exampleImage() });
	await container.waitForLine(/Job counter is ready/, READY);
	const script = "trap : TERM; echo up; while :; do sleep 1; done";
	await using guest = openPty(client, ["exec", container.name, "sh", "-c", script]);
	await guest.lines.waitFor(/^up$/);
	await container.stop();
	const { stdout } = await container.logs();
	assert.equal(await container.exitCode(), 0, stdout);
	assert.equal((await report(container)).stragglers.forced, false);
});
