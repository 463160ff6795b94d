/**
 * An image of Alpine, as examples/alpine makes it: musl, busybox, and no glibc. stop.test.ts and register.test.ts run there, too, and
 * `npm test` runs the unit tests of what asks the C library with a Node.js on musl.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { root } from "../../scripts/lib/paths.ts";
import { Container, client, containerName, HARDENED, runArgs, runContainer, runToEnd } from "../helpers/docker.ts";
import { noAlpine } from "../helpers/images.ts";
import { key, openPty } from "../helpers/pty.ts";
import { readmeImage } from "../helpers/readme-image.ts";

const READY = { timeout: 60_000 };
const sh = (script: string) => ["--", "sh", "-c", script];

suite("on Alpine", { skip: noAlpine }, () => {
	let image: string;
	before(
		async () => {
			const Dockerfile = readFileSync(join(root, "examples/alpine/Dockerfile"), "utf8");
			image = await readmeImage({ Dockerfile }, "alpine");
		},
		{ timeout: 600_000 },
	);

	test("there is no glibc, and npm ci has brought a binding that loads", async () => {
		const found = await runToEnd({ image, args: sh("find / -xdev -name 'libc.so.6'; ls /lib/ld-musl-*; exit 5") });
		assert.match(found.stdout, /^\/lib\/ld-musl-\w+\.so\.1\n$/);
		// Without a binding there would be a warning.
		assert.deepEqual([found.code, found.stderr], [5, ""]);
	});

	test("README.md's service is ready, answers docker exec, and stops cleanly", async () => {
		await using container = await runContainer({ image, flags: [...HARDENED, "--tmpfs=/tmp"] });
		await container.waitForLine(/Job web is ready/, READY);
		const status = await container.exec(["lastcall", "status"]);
		assert.match(status.stdout, /process 1, .*, ready$/m);
		await container.stop();
		const { stdout } = await container.logs();
		assert.equal(await container.exitCode(), 0, stdout);
		assert.match(stdout, /2 of 2 jobs joined/);
	});

	test("in place of tini: orphans are reaped, signals passed on but musl's own, the code is the program's", async () => {
		// busybox counts real-time signals from 35, musl's SIGRTMIN; the engine by the kernel's numbers.
		const traps = "trap 'echo winch' WINCH; trap 'echo real-time' 36; trap 'exit 9' TERM";
		const script = `(sleep 0.01 &); ${traps}; echo ready; while :; do sleep 0.05; done`;
		await using container = await runContainer({ image, args: sh(script), flags: HARDENED });
		await container.waitForLine(/^ready$/, READY);
		for (const [signal, line] of [
			["34", undefined],
			["WINCH", /^winch$/],
			["36", /^real-time$/],
		] as const) {
			await container.kill(signal);
			if (line) await container.waitForLine(line, READY);
		}
		const { stdout } = await container.exec(["sh", "-c", "cat /proc/[0-9]*/stat"]);
		assert.match(stdout, /^1 \(/m);
		assert.doesNotMatch(stdout, /^\d+ \(.*\) Z /m);
		await container.stop();
		assert.deepEqual([await container.exitCode(), (await container.logs()).stderr], [9, ""]);
	});

	// musl cannot move the terminal in the child: the init does it behind the start.
	test("docker run -it: job control, and no warning", async () => {
		await using container = new Container(containerName());
		const flags = ["--interactive", "--tty"];
		const args = runArgs(container.name, { image, flags, args: ["--", "sh"], env: { PS1: "here> ", TERM: "dumb" } });
		await using terminal = openPty(client, ["run", ...args]);
		const { lines } = terminal;
		// Behind the prompt busybox asks the terminal where the cursor is.
		await lines.waitFor(/here> /, READY);
		assert.doesNotMatch(lines.text, /job control|cannot set|can't access/);
		terminal.type(`sh -c 'echo started; exec sleep 60'${key.enter}`);
		await lines.waitFor(/^started/);
		terminal.type(key.ctrlZ);
		await lines.waitFor(/Stopped/);
		terminal.type(`exit; exit 4${key.enter}`);
		assert.equal((await terminal.exit()).code, 4);
	});

	test("a missing program is told in musl's words, with tini's exit code", async () => {
		const { code, stderr } = await runToEnd({ image, args: ["--", "nonexistent"] });
		assert.equal(code, 127);
		assert.match(stderr, /^\[FATAL lastcall \(1\)\] exec nonexistent failed: No such file or directory/);
	});
});
