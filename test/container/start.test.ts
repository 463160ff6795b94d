/** `npm start`, with an engine. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { key, openPty } from "../helpers/pty.ts";

const ROOT = join(import.meta.dirname, "../..");

test("npm start runs the example in a container, Ctrl-C stops it", async () => {
	await using terminal = openPty("npm", ["start"], { cwd: ROOT });
	const timeout = 300_000;
	await terminal.lines.waitFor(/running examples\/jobs in a container/, {
		timeout,
	});
	await terminal.lines.waitFor(/started as process 1, the container's init/, {
		timeout,
	});
	await terminal.lines.waitFor(/Job counter is ready/);
	await terminal.lines.waitFor(/Job heartbeat is ready/);
	terminal.type(key.ctrlC);
	const { code } = await terminal.exit();
	assert.match(terminal.lines.text, /Exiting main program with code 0/);
	assert.equal(code, 0, terminal.lines.text);
});
