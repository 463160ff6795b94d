/** What `docker logs` shows in the end, whatever the log driver does meanwhile. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { before, test } from "node:test";
import { dockerdPid, privateHost } from "../../scripts/lib/dockerd.ts";
import { runContainer } from "../helpers/docker.ts";
import { fixtureImage } from "../helpers/images.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

const READY = { timeout: 60_000 };

let image: string;
before(async () => {
	image = await fixtureImage();
});

test("docker logs has all 10,000 lines of a job that was killed in the turn in which it printed them", async () => {
	await using container = await runContainer({ image, args: ["run", "configs/chatty.json"] });
	await container.waitForLine(/Job chatty is ready/, READY);
	await container.stop();
	const lines = (await container.logs()).stdout.trimEnd().split("\n");
	assert.equal(lines.filter((line) => /^line \d+$/.test(line)).length, 10_000);
	assert.match(lines.at(-1) ?? "", /Exiting main program with code 124/);
});

/** Only an engine of our own may be stopped in its tracks. */
const engine = process.env.DOCKER_HOST === privateHost ? dockerdPid() : undefined;

test("a log driver that stalls delays neither the jobs' stop nor the exit", {
	skip: engine === undefined && "needs the private engine",
}, async () => {
	await using container = await runContainer({
		image,
		args: ["run", "configs/flood.json"],
		flags: ["--log-opt=max-size=1m"],
	});
	const { Pid } = (await container.inspect()).State;
	// The engine reads the container's pipe: once it is stopped, the pipe fills up.
	process.kill(engine as number, "SIGSTOP");
	try {
		await untilBlocked(Pid, "flood");
		process.kill(Pid, "SIGTERM");
		await until(() => !existsSync(`/proc/${Pid}`), "the container has ended");
	} finally {
		process.kill(engine as number, "SIGCONT");
	}
	assert.equal(await container.wait(), 0);
});
