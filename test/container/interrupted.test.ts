/** What an interrupted run of the tests would leave in an engine. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import {
	Container,
	client,
	containerName,
	mustDocker,
} from "../helpers/docker.ts";
import { exampleImage } from "../helpers/images.ts";
import { Lines } from "../helpers/lines.ts";

const RUNNER = join(import.meta.dirname, "../fixtures/runner/containers.ts");

test("an interrupted run leaves no container and no network of its own in an engine that stays, and all others", async () => {
	const image = await exampleImage();
	// Of another run.
	await using other = new Container(containerName());
	const run = `"${client}" run --network=none --entrypoint=sleep`;
	await mustDocker(["create", "--name", other.name, image]);
	const script = `
		name=lastcall-test-$LASTCALL_TEST_RUN
		"${client}" network create --internal $name-network
		${run} --detach --name=$name-detached ${image} 1000
		${run} --name=$name-attached ${image} 1000 &
		until [ "$("${client}" inspect --format={{.State.Running}} $name-attached)" = true ]; do sleep 0.1; done
		echo "up $name"
		wait`;
	const runner = spawn(process.execPath, [RUNNER, script], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const ended = once(runner, "exit");
	const lines = Lines.from(runner.stdout);
	const line = await lines.waitFor(/^up /, { timeout: 60_000 });
	runner.kill("SIGTERM");
	assert.deepEqual(await ended, [143, null], lines.text);
	const name = line.slice("up ".length);
	const containers = ["ps", "--all", "--format={{.Names}}"];
	const names = await mustDocker(containers);
	assert.ok(!names.includes(name), names);
	assert.ok(names.includes(other.name), names);
	const networks = await mustDocker(["network", "ls", "--format={{.Name}}"]);
	assert.ok(!networks.includes(name), networks);
});
