/** `npm start`, with an engine. */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { suite, test } from "node:test";
import { run } from "../../scripts/lib/command.ts";
import { removeDirectory } from "../../scripts/lib/mounts.ts";
import { mustDocker } from "../helpers/docker.ts";
import { noEngineOfOurOwn } from "../helpers/engine-with-init.ts";
import { newMark } from "../helpers/marked.ts";
import { key, openPty } from "../helpers/pty.ts";
import { until } from "../helpers/until.ts";

const ROOT = join(import.meta.dirname, "../..");
const READY = { timeout: 300_000 };

async function exampleContainers(): Promise<string[]> {
	const filter = "--filter=name=lastcall-example-";
	return (await mustDocker(["ps", "--all", "--quiet", filter])).split("\n");
}

test("npm start runs the example in a container, Ctrl-C stops it", async () => {
	await using terminal = openPty("npm", ["start"], { cwd: ROOT });
	await terminal.lines.waitFor(/running examples\/jobs in a container/, READY);
	await terminal.lines.waitFor(/started as process 1, the container's init/, READY);
	await terminal.lines.waitFor(/Job counter is ready/);
	await terminal.lines.waitFor(/Job heartbeat is ready/);
	terminal.type(key.ctrlC);
	const { code } = await terminal.exit();
	assert.match(terminal.lines.text, /Exiting main program with code 0/);
	assert.equal(code, 0, terminal.lines.text);
});

// In a terminal the client passes no signal on.
test("npm start in a terminal: SIGTERM for npm stops the example, the container is gone", async () => {
	const before = await exampleContainers();
	await using terminal = openPty("npm", ["start"], { cwd: ROOT });
	await terminal.lines.waitFor(/Job counter is ready/, READY);
	await terminal.lines.waitFor(/Job heartbeat is ready/);
	const added = (await exampleContainers()).filter((id) => !before.includes(id));
	assert.equal(added.length, 1);
	terminal.kill("SIGTERM");
	const { code } = await terminal.exit({ timeout: 30_000 });
	assert.match(terminal.lines.text, /Exiting main program with code 0/);
	assert.equal(code, 0, terminal.lines.text);
	const after = await exampleContainers();
	assert.deepEqual(
		added.filter((id) => after.includes(id)),
		[],
	);
});

/** A cache of its own, so a private engine of its own, and no image. Use with `await using`. */
function newCache(debootstrap: string) {
	// Short: the path of a Unix socket has at most 107 bytes.
	const directory = mkdtempSync(join(tmpdir(), "lc-"));
	const command = join(directory, "debootstrap");
	writeFileSync(command, `#!/bin/sh\n${debootstrap}\n`, { mode: 0o755 });
	const mark = newMark();
	const env = {
		...mark.env,
		// Nobody answers there.
		DOCKER_HOST: "unix:///nowhere.sock",
		CI: "",
		LASTCALL_ENGINE: "start",
		LASTCALL_CACHE: directory,
		PATH: `${directory}${delimiter}${process.env.PATH}`,
	};
	const engine = (command: string) => run(process.execPath, [join(ROOT, "scripts/engine.ts"), command], { env });
	return {
		env,
		engine,
		marked: mark.marked,
		async [Symbol.asyncDispose]() {
			await engine("stop");
			mark[Symbol.dispose]();
			await removeDirectory(directory);
		},
	};
}

const MISSING = "exit 127";
const HANGING = '[ "$1" = --version ] || exec sleep 1000';

suite("npm start with a private engine", { skip: noEngineOfOurOwn }, () => {
	test("without debootstrap it says so, stops the engine, and runs the example directly", async () => {
		await using cache = newCache(MISSING);
		await using terminal = openPty("npm", ["start"], { cwd: ROOT, ...cache });
		const { lines } = terminal;
		await lines.waitFor(/lastcall: Missing on this machine: debootstrap/, READY);
		await lines.waitFor(/running examples\/jobs directly/);
		await lines.waitFor(/Job counter is ready/, READY);
		await lines.waitFor(/Job heartbeat is ready/, READY);
		const dockerd = cache.marked().filter((command) => /dockerd/.test(command));
		assert.deepEqual(dockerd, []);
		terminal.type(key.ctrlC);
		assert.equal((await terminal.exit()).code, 0, lines.text);
		assert.doesNotMatch(lines.text, /^ +at /m, "no stack");
		assert.deepEqual(cache.marked(), []);
	});

	for (const how of ["Ctrl-C", "SIGTERM"] as const)
		test(`${how} while it makes the image: the engine is stopped, nothing is left`, async () => {
			await using cache = newCache(HANGING);
			await using terminal = openPty("npm", ["start"], { cwd: ROOT, ...cache });
			await terminal.lines.waitFor(/making the stand-in base image/, READY);
			if (how === "Ctrl-C") terminal.type(key.ctrlC);
			else terminal.kill("SIGTERM");
			await terminal.exit({ timeout: 60_000 });
			await until(() => cache.marked().length === 0, "nothing is left");
			assert.match((await cache.engine("status")).stdout, /No private engine/);
		});

	test("an engine that ran before stays", async () => {
		await using cache = newCache(MISSING);
		const { code, stderr } = await cache.engine("start");
		assert.equal(code, 0, stderr);
		await using terminal = openPty("npm", ["start"], { cwd: ROOT, ...cache });
		await terminal.lines.waitFor(/Job counter is ready/, READY);
		await terminal.lines.waitFor(/Job heartbeat is ready/, READY);
		terminal.type(key.ctrlC);
		assert.equal((await terminal.exit()).code, 0, terminal.lines.text);
		assert.match((await cache.engine("status")).stdout, /Private engine: pid/);
	});
});
