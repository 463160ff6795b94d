import assert from "node:assert/strict";
import { test } from "node:test";
import { key, openPty } from "./pty.ts";

test("openPty() gives a real terminal: Ctrl-Z, jobs, a new size, Ctrl-C", async () => {
	await using shell = openPty("bash", ["--norc", "-i"], { cols: 100, rows: 30, env: { PS1: "ready> " } });
	const { lines } = shell;
	// An answer from the job itself is the only proof that it has the terminal.
	const job = "sh -c 'stty size; exec sed -u s/^/got:/'";
	await lines.waitFor(/^ready> $/);
	shell.type(`${job}\r`);
	await lines.waitFor(/^30 100$/);
	shell.type("one\r");
	await lines.waitFor(/^got:one$/);
	shell.type(key.ctrlZ);
	await lines.waitFor(/Stopped\s+sh -c/);
	await lines.waitFor(/^ready> $/, { from: lines.all.length });
	shell.resize({ cols: 80, rows: 24 });
	shell.type("stty size; fg\r");
	await lines.waitFor(/^24 80$/);
	await lines.waitFor(/^sh -c/);
	shell.type("two\r");
	await lines.waitFor(/^got:two$/);
	shell.type(key.ctrlC);
	await lines.waitFor(/^ready> $/, { from: lines.all.length });
	shell.type("exit $(($? + 7))\r");
	assert.deepEqual(await shell.exit(), { code: 130 + 7, signal: undefined });
});

test("openPty() reports the signal that ended the command", async () => {
	await using sleep = openPty("sleep", ["100"]);
	sleep.kill("SIGTERM");
	assert.equal((await sleep.exit()).signal, 15);
});
