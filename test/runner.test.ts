/** What a step of the test runner leaves behind is ended, and an interrupted run leaves nothing. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { removeDirectory } from "../scripts/lib/mounts.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { Lines } from "./helpers/lines.ts";
import { newMark } from "./helpers/marked.ts";
import { key, openPty } from "./helpers/pty.ts";

const STEPS = join(import.meta.dirname, "fixtures/runner/steps.ts");

const LOOP = "while :; do sleep 1; done";
const READY = { timeout: 60_000 };

/** A loop with an environment of its own. The shell by its path: there is no PATH. */
const OTHER_LOOP = `env -i "$(command -v sh)" -c '${LOOP}' "$WORD" & echo up; wait`;

/** Each has nothing in common with the step: neither its session nor its process group, and no parent. */
const DAEMONS = {
	"a daemon": `setsid sh -c '${LOOP}' &`,
	"a daemon that is deaf to SIGTERM": `setsid sh -c 'trap "" TERM; ${LOOP}' &`,
	"a daemon whose child has an environment of its own": `export OTHER_LOOP; setsid sh -c 'eval "$OTHER_LOOP"' &`,
};

/** Runs steps to their end. `left`: what there is of them afterwards. */
async function runSteps(...scripts: string[]) {
	using mark = newMark();
	const runner = spawn(process.execPath, [STEPS, ...scripts], {
		env: { ...process.env, ...mark.env, WORD: mark.word, OTHER_LOOP },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const ended = once(runner, "exit");
	const lines = Lines.from(runner.stdout, runner.stderr);
	await lines.waitForEnd(READY);
	const [code] = await ended;
	return { code, output: lines.text, left: mark.marked() };
}

for (const [what, script] of Object.entries(DAEMONS))
	test(`a step that leaves ${what}: it is ended and named, the step has not failed`, async () => {
		const { code, output, left } = await runSteps(script, "echo next");
		assert.deepEqual(left, []);
		assert.match(output, /step 1: still ran, and was ended: sh -c .*\(pid \d+\)/);
		assert.match(output, /^next$/m);
		assert.equal(code, 0, output);
	});

test("a step that leaves nothing is not talked about", async () => {
	const { code, output } = await runSteps("sleep 0 & exit 3");
	assert.doesNotMatch(output, /still ran/);
	assert.match(output, /^Failed: step 1$/m);
	assert.equal(code, 1);
});

test("Ctrl-C, and once more, ends a run with all it has started; no further step begins", async () => {
	using mark = newMark();
	const script = `${DAEMONS["a daemon"]} ${OTHER_LOOP}`;
	await using terminal = openPty(process.execPath, [STEPS, script, "echo next"], {
		env: { ...mark.env, WORD: mark.word },
	});
	await terminal.lines.waitFor(/^up$/, READY);
	terminal.type(key.ctrlC);
	await terminal.lines.waitFor(/\^C/);
	terminal.type(key.ctrlC);
	const { code } = await terminal.exit({ timeout: 30_000 });
	assert.deepEqual(mark.marked(), []);
	assert.doesNotMatch(terminal.lines.text, /next/);
	assert.match(terminal.lines.text, /Interrupted by SIGINT/);
	assert.equal(code, 130);
});

test("SIGTERM for the runner alone ends what the step has started, with an environment of its own too", async () => {
	using mark = newMark();
	// Once the step has gone, the loop is an orphan without the run's mark.
	const runner = spawn(process.execPath, [STEPS, OTHER_LOOP], {
		env: { ...process.env, ...mark.env, WORD: mark.word },
		stdio: ["ignore", "pipe", "inherit"],
	});
	const ended = once(runner, "exit");
	await Lines.from(runner.stdout).waitFor(/^up$/, READY);
	runner.kill("SIGTERM");
	assert.deepEqual(await ended, [143, null]);
	assert.deepEqual(mark.marked(), []);
});

test("removeDirectory() unmounts first", { skip: process.getuid?.() !== 0 && "only root may mount" }, async (t) => {
	using directory = makeDirectory();
	const path = join(directory.path, "a directory");
	const inner = join(path, "a mount");
	mkdirSync(inner, { recursive: true });
	const mount = spawnSync("mount", ["-t", "tmpfs", "none", inner]);
	if (mount.status !== 0) return t.skip("may not mount here");
	try {
		writeFileSync(join(inner, "file"), "");
		await removeDirectory(path);
		assert.equal(existsSync(path), false);
	} finally {
		spawnSync("umount", [inner]);
	}
});
