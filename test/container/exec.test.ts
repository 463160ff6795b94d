/** The single executable in an image without Node.js, as its entry point and as the engine's own init. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { run } from "../../scripts/lib/command.ts";
import { Container, client, containerName, runArgs, runContainer, runToEnd } from "../helpers/docker.ts";
import { noEngineOfOurOwn, startEngineWithInit } from "../helpers/engine-with-init.ts";
import { key, openPty } from "../helpers/pty.ts";
import { singleExecutable, singleImage } from "../helpers/single.ts";

let image: string;
before(async () => {
	image = await singleImage();
});

const sh = (script: string) => ["sh", "-c", script];

suite("as the entry point", () => {
	test("there is no Node.js, and the exit code is the program's", async () => {
		const found = await runToEnd({ image, args: sh("command -v node; tr '\\0' ' ' </proc/1/cmdline; exit 7") });
		assert.equal(found.code, 7, found.stderr);
		assert.equal(found.stdout, "lastcall -- sh -c command -v node; tr '\\0' ' ' </proc/1/cmdline; exit 7 ");
		const missing = await runToEnd({ image, args: ["nonexistent"] });
		assert.equal(missing.code, 127);
		assert.match(missing.stderr, /^\[FATAL lastcall \(1\)\] exec nonexistent failed: No such file or directory/);
	});

	test("docker stop reaches the program, hardened and without /proc of its own to write", async () => {
		await using container = await runContainer({
			image,
			flags: ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534"],
			args: sh('trap "echo stopping; exit 9" TERM; echo ready; while :; do sleep 0.05; done'),
		});
		await container.waitForLine(/^ready$/);
		const { ms } = await container.stop();
		assert.equal(await container.exitCode(), 9);
		assert.ok(ms < 3_000, `${ms} ms`);
	});

	test("the example stops with its own code", async () => {
		await using container = await runContainer({ image });
		await container.waitForLine(/^started$/);
		await container.stop();
		assert.equal(await container.exitCode(), 0);
		assert.match((await container.logs()).stdout, /^stopping$/m);
	});

	test("NODE_OPTIONS and the like are for the program", async () => {
		const found = await runToEnd({
			image,
			args: sh('echo "$NODE_OPTIONS"'),
			env: { NODE_OPTIONS: "--nonsense", NODE_EXTRA_CA_CERTS: "/nonexistent" },
		});
		assert.equal(found.stdout, "--nonsense\n");
		assert.equal(found.stderr, "");
	});

	test("run says that it needs the npm package", async () => {
		const found = await runToEnd({ image, flags: ["--entrypoint", "lastcall"], args: ["run"] });
		assert.equal(found.code, 2);
		assert.match(found.stderr, /^lastcall: Cannot do "run" in the single executable, expected the npm package/);
	});

	test("docker run -it: job control, and no warning", async () => {
		await using container = new Container(containerName());
		const args = runArgs(container.name, {
			image,
			flags: ["--interactive", "--tty"],
			args: ["bash", "--norc"],
			env: { PS1: "\\#> ", TERM: "dumb" },
		});
		await using terminal = openPty(client, ["run", ...args]);
		const { lines } = terminal;
		await lines.waitFor(/1> $/);
		assert.doesNotMatch(lines.text, /no job control|cannot set/);
		terminal.type(`sh -c 'echo started; exec sleep 60'${key.enter}`);
		await lines.waitFor(/^started/);
		terminal.type(key.ctrlZ);
		await lines.waitFor(/Stopped/);
		terminal.type(`exit; exit 4${key.enter}`);
		assert.equal((await terminal.exit()).code, 4);
	});
});

test("as the engine's own init: docker run --init", { skip: noEngineOfOurOwn }, async () => {
	const directory = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	try {
		const init = join(directory, "docker-init");
		copyFileSync(singleExecutable(), init);
		await using engine = await startEngineWithInit(init, image);
		const { env } = engine;
		const flags = ["run", "--rm", "--init", "--network", "none", "--entrypoint", "sh", "-e", "TINI_VERBOSITY=2", image];
		const found = await run(
			client,
			[
				...flags,
				"-c",
				"tr '\\0' ' ' </proc/1/cmdline; echo; (sleep 0.1 &); sleep 0.3; ls /proc | grep -c '^[0-9]'; exit 7",
			],
			{ env },
		);
		assert.equal(found.code, 7, found.stderr);
		assert.match(found.stdout, /^\[INFO {2}tini \(1\)\] Spawned child process 'sh' with pid '\d+'$/m);
		assert.match(found.stdout, /\/sbin\/docker-init -- sh -c/);
		const info = await run(client, ["info", "--format", "{{.InitBinary}} {{.InitCommit.ID}}"], { env });
		assert.match(info.stdout, /docker-init/);
		const version = await run(init, ["--version"]);
		assert.match(version.stdout, /^tini version 0\.19\.0 - lastcall /);
	} finally {
		rmSync(directory, { recursive: true });
	}
});
