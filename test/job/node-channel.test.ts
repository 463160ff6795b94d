import assert from "node:assert/strict";
import { chmodSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { readChannel, runsNode } from "../../src/job/readiness.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { startLastcall } from "../helpers/lastcall.ts";
import { shell } from "../helpers/programs.ts";

test("readChannel() hears one message, however it is cut, and nothing else", () => {
	for (const [chunks, times] of [
		[['"ready"\n'], 1],
		[['"re', 'ady"', "\n"], 1],
		[['{"cmd":1}\n"ready"\n"re'], 1],
		[['"ready" \n', "ready\n", '"READY"\n', '"ready"'], 0],
		[['"ready"x', "\n"], 0],
		[["x".repeat(1_000_000), '"ready"\n'], 0],
		[["\xff\0garbage\n", '"ready"\n'], 1],
	] as const) {
		const stream = new PassThrough();
		let heard = 0;
		readChannel(stream, () => heard++);
		for (const chunk of chunks) stream.emit("data", Buffer.from(chunk));
		assert.equal(heard, times, JSON.stringify(chunks).slice(0, 100));
	}
});

test("runsNode() knows Node.js by its name and by a script's first line", () => {
	using folder = makeDirectory({
		"bin/cli": "#!/usr/bin/env node\n",
		"bin/flags": "#!/usr/bin/env -S node --import x\n",
		"bin/shell": "#!/bin/sh\n# node\n",
		"bin/empty": "",
	});
	const { path: cwd } = folder;
	chmodSync(join(cwd, "bin/cli"), 0o755);
	symlinkSync(process.execPath, join(cwd, "bin/current"));
	symlinkSync("cli", join(cwd, "bin/linked"));
	const at = { cwd, path: "/nonexistent:bin" };
	for (const program of ["cli", "flags", "current", "linked", "./bin/cli"]) assert.ok(runsNode([program], at), program);
	assert.ok(runsNode([process.execPath], { cwd, path: undefined }));
	for (const program of ["shell", "empty", "missing", "bin", "./bin/shell"])
		assert.ok(!runsNode([program], at), program);
	for (const script of ["exec node x", "cd /app && exec '/usr/bin/node' x"])
		assert.ok(runsNode(shell(script), at), script);
	for (const script of ["node x", "exec node-gyp x", "exec python app.py"])
		assert.ok(!runsNode(shell(script), at), script);
});

test("ProcessJob that sends garbage where it may say that it is ready harms nobody", async () => {
	using folder = makeDirectory({
		"garbage.mjs": `import { writeSync } from "node:fs";
			writeSync(3, "garbage\\n");
			process.send("ready");
			setInterval(() => {}, 1_000);`,
	});
	await using lastcall = await startLastcall({
		jobs: { it: { command: [process.execPath, join(folder.path, "garbage.mjs")], readiness: "notify" } },
	});
	await lastcall.waitFor("job.ready", "it");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("ProcessJob that is no Node.js finds no channel of it", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			it: {
				command: shell(
					`echo "channel: \${NODE_CHANNEL_FD:-none}"; { echo garbage >&3; } 2>/dev/null || echo "no descriptor"`,
				),
				readiness: "notify",
			},
		},
	});
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^channel: none$/m);
	assert.match(lastcall.lines.text, /^no descriptor$/m);
});
