/** `docker compose up` and `stop` with the repository's own docker-compose.yml. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { must, run } from "../../scripts/lib/command.ts";
import { Container, client, containerName, mustDocker } from "../helpers/docker.ts";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { exampleImage } from "../helpers/images.ts";

const FILE = join(import.meta.dirname, "../../docker-compose.yml");

/** Compose as a plugin of the client, or the older program of its own. */
async function findCompose(): Promise<string[]> {
	const plugin = await run(client, ["compose", "version"]);
	return plugin.code === 0 ? [client, "compose"] : ["docker-compose"];
}

test("docker compose: one variable sets the grace period and the budget, stop ends with 0", async () => {
	await mustDocker(["tag", await exampleImage(), "lastcall-example"]);
	const [command = "", ...prefix] = await findCompose();
	const project = containerName();
	const compose = (...args: string[]) =>
		must(command, [...prefix, "--project-name", project, "--file", FILE, ...args], {
			env: { STOP_GRACE_PERIOD: "7s" },
		});
	try {
		// The image is there: Compose builds without the host's network.
		await compose("up", "--detach", "--no-build");
		const container = new Container(await compose("ps", "--quiet", "jobs"));
		await container.waitForLine(/Job counter is ready/, { timeout: 60_000 });
		const { Config } = JSON.parse(await mustDocker(["container", "inspect", container.name]))[0];
		assert.equal(Config.StopTimeout, 7);
		await compose("stop");
		assert.equal(await container.exitCode(), 0);
		const events = parseEvents((await container.logs()).stdout.split("\n"));
		const { budgetMs, budgetSource } = findEvent(events, "init.started");
		assert.deepEqual([budgetMs, budgetSource], [7_000, "LASTCALL_STOP_TIMEOUT"]);
	} finally {
		await compose("down", "--timeout", "1");
	}
});
