/** `docker stop` of functions in a process of their own, through both bindings. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { HARDENED } from "../helpers/docker.ts";
import { findEvent } from "../helpers/events.ts";
import { exampleImage } from "../helpers/images.ts";
import { jobThere, startService } from "../helpers/service.ts";

const READY = { timeout: 60_000 };
const WAYS = ["isSet", "wait", "raised"];

for (const [major, binding] of [
	[26, "node:ffi"],
	[24, "koffi"],
] as const)
	suite(`on Node.js ${major}`, () => {
		let image: string;
		before(
			async () => {
				image = await exampleImage(major);
			},
			{ timeout: 300_000 },
		);

		test("docker stop raises the flag of each, joins each, and ends with 0, whichever way it waits", async () => {
			const jobs = WAYS.map((way) => {
				// SIGKILL: its outcome would show that a signal was sent.
				return [way, { process: jobThere("ways"), data: { way }, readiness: "notify", stopSignal: "SIGKILL" }];
			});
			const thread = { thread: jobThere("ways"), data: { way: "wait" }, readiness: "notify" };
			const config = { jobs: { ...Object.fromEntries(jobs), thread } };
			await using service = await startService(config, { image, flags: HARDENED });
			const names = Object.keys(config.jobs);
			for (const name of names) await service.waitForLine(new RegExp(`"job.ready","job":"${name}"`), READY);
			const status = await service.exec(["lastcall", "status"]);
			for (const way of WAYS) assert.match(status.stdout, new RegExp(`^${way} +ready .*process \\d+`, "m"));
			await service.stop();
			assert.equal(await service.exitCode(), 0, (await service.lines()).join("\n"));
			const events = await service.events();
			assert.equal(findEvent(events, "init.started").binding, binding);
			const { report } = findEvent(events, "stop.finished");
			const exits = new Map(report.jobs.map(({ job, exit }) => [job, exit]));
			const lines = await service.lines();
			for (const name of names) {
				assert.deepEqual(exits.get(name), { outcome: "finished" });
				assert.ok(lines.includes(`${name}: true`), name);
			}
		});

		test("at the memory limit of the container a function's process is killed, not the init, and named", async () => {
			const flags = ["--memory=300m", "--memory-swap=300m"];
			const config = {
				jobs: {
					good: { thread: jobThere("waiting"), readiness: "notify" },
					big: { process: jobThere("buffers"), dependsOn: ["good"], essential: false },
				},
			};
			await using service = await startService(config, { image, flags });
			await service.waitForLine(/"job.exited","job":"big".*SIGKILL/, READY);
			await service.stop();
			assert.ok((await service.lines()).includes("good: clean shutdown"));
		});
	});
