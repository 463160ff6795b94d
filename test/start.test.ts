/** `npm start`, without an engine. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../scripts/lib/command.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { Lines } from "./helpers/lines.ts";
import { newMark } from "./helpers/marked.ts";
import { key, openPty } from "./helpers/pty.ts";
import { until } from "./helpers/until.ts";

const ROOT = join(import.meta.dirname, "..");

// Nobody answers there, and none may be started.
const NO_ENGINE = { DOCKER_HOST: "unix:///nowhere.sock", CI: "", LASTCALL_ENGINE: "", LASTCALL_CACHE: "/nowhere" };

const READY = { timeout: 60_000 };

test("npm start without an engine runs the example directly and says so, Ctrl-C stops it", async () => {
	await using terminal = openPty("npm", ["start"], { cwd: ROOT, env: NO_ENGINE });
	await terminal.lines.waitFor(/running examples\/jobs directly/, READY);
	await terminal.lines.waitFor(/Job counter is ready/, READY);
	await terminal.lines.waitFor(/Job heartbeat is ready/);
	terminal.type(key.ctrlC);
	const { code } = await terminal.exit();
	assert.match(terminal.lines.text, /Thread 1 \(counter\) stopped at/);
	assert.match(terminal.lines.text, /Exiting main program with code 0/);
	assert.doesNotMatch(terminal.lines.text, /SIGTERM/, "the terminal is enough");
	assert.equal(code, 0, terminal.lines.text);
});

for (const [signal, code] of [
	["SIGTERM", 0],
	// npm is gone before it could pass anything on.
	["SIGHUP", null],
	["SIGKILL", null],
] as const)
	test(`npm start without a terminal: ${signal} for npm stops the example, nothing is left`, async () => {
		using mark = newMark();
		const npm = spawn("npm", ["start"], {
			cwd: ROOT,
			env: { ...process.env, ...NO_ENGINE, ...mark.env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		const ended = once(npm, "exit");
		const lines = Lines.from(npm.stdout, npm.stderr);
		await lines.waitFor(/Job counter is ready/, READY);
		await lines.waitFor(/Job heartbeat is ready/, READY);
		npm.kill(signal);
		await lines.waitFor(/Exiting main program with code 0/, READY);
		await until(() => mark.marked().length === 0, "nothing is left");
		assert.equal((await ended)[0], code, lines.text);
	});

test("SIGTERM for npm start before the example listens stops it all the same", async () => {
	using mark = newMark();
	const npm = spawn("npm", ["start"], {
		cwd: ROOT,
		env: { ...process.env, ...NO_ENGINE, ...mark.env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const lines = Lines.from(npm.stdout, npm.stderr);
	await lines.waitFor(/running examples\/jobs directly/, READY);
	npm.kill("SIGTERM");
	await lines.waitForEnd(READY);
	await until(() => mark.marked().length === 0, "nothing is left");
});

test("a terminal that is closed takes the example with it", async () => {
	using mark = newMark();
	{
		await using terminal = openPty("npm", ["start"], { cwd: ROOT, env: { ...NO_ENGINE, ...mark.env } });
		await terminal.lines.waitFor(/Job counter is ready/, READY);
		await terminal.lines.waitFor(/Job heartbeat is ready/, READY);
		terminal.kill("SIGKILL");
	}
	await until(() => mark.marked().length === 0, "nothing is left");
});

test("what is missing on the machine is said in one line, without a stack", {
	skip: process.getuid?.() !== 0 && "needs root, as debootstrap does",
}, async () => {
	using directory = makeDirectory({
		"script.ts": `
			import { ensureRootfs } from "${ROOT}/scripts/lib/rootfs.ts";
			import { runScript } from "${ROOT}/scripts/lib/script.ts";
			await runScript(async () => void (await ensureRootfs()) ?? 0);
		`,
	});
	const { code, stderr } = await run(process.execPath, [join(directory.path, "script.ts")], {
		env: { ...NO_ENGINE, PATH: "/nowhere", LASTCALL_CACHE: join(directory.path, "cache") },
	});
	assert.match(
		stderr,
		/^lastcall: Missing on this machine: debootstrap\. Install it, or set LASTCALL_ENGINE=install .*\n$/,
	);
	assert.equal(code, 1);
});
