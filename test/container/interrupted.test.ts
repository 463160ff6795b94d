/** What an interrupted run of the tests would leave in an engine; the engine that an interrupted benchmark would leave. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeDirectory } from "../../scripts/lib/mounts.ts";
import { root } from "../../scripts/lib/paths.ts";
import { readProcess } from "../../scripts/lib/processes.ts";
import { Container, client, containerName, mustDocker } from "../helpers/docker.ts";
import { noEngineOfOurOwn } from "../helpers/engine-with-init.ts";
import { exampleImage } from "../helpers/images.ts";
import { Lines } from "../helpers/lines.ts";
import { needsPeers } from "../helpers/peers.ts";
import { until } from "../helpers/until.ts";

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
	const runner = spawn(process.execPath, [RUNNER, script], { stdio: ["ignore", "pipe", "inherit"] });
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

test("an interrupted benchmark stops the engine that it has started", {
	skip: noEngineOfOurOwn || needsPeers().skip,
}, async () => {
	// Short: the path of a Unix socket has at most 107 bytes.
	const directory = mkdtempSync(join(tmpdir(), "lc-"));
	const engine = join(directory, "engine");
	const script = join(root, "bench/bench.ts");
	const args = ["docker-stop", "--no-build", "--output", directory];
	const bench = spawn(process.execPath, [script, ...args], {
		env: {
			...process.env,
			LASTCALL_CACHE: directory,
			LASTCALL_ENGINE: "start",
			// No engine but this one.
			DOCKER_HOST: `unix://${engine}/docker.sock`,
		},
		stdio: ["ignore", "ignore", "inherit"],
	});
	const ended = once(bench, "exit");
	let pid = 0;
	try {
		const socket = join(engine, "docker.sock");
		await until(() => existsSync(socket), "the engine listens");
		pid = Number(readFileSync(join(engine, "dockerd.pid"), "utf8"));
		bench.kill("SIGTERM");
		assert.deepEqual(await ended, [null, "SIGTERM"]);
		assert.equal(readProcess(pid), undefined);
	} finally {
		bench.kill("SIGKILL");
		await ended;
		if (readProcess(pid) !== undefined) {
			process.kill(pid, "SIGTERM");
			await until(() => readProcess(pid) === undefined, "the engine is gone");
		}
		await removeDirectory(directory);
	}
});
