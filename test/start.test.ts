/** `npm start`, without an engine. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { key, openPty } from "./helpers/pty.ts";

const ROOT = join(import.meta.dirname, "..");

test("npm start without an engine runs the example directly and says so, Ctrl-C stops it", async () => {
	await using terminal = openPty("npm", ["start"], {
		cwd: ROOT,
		// Nobody answers there, and none may be started.
		env: {
			DOCKER_HOST: "unix:///nowhere.sock",
			CI: "",
			LASTCALL_ENGINE: "",
			LASTCALL_CACHE: "/nowhere",
		},
	});
	await terminal.lines.waitFor(/running examples\/jobs directly/, {
		timeout: 60_000,
	});
	await terminal.lines.waitFor(/Job counter is ready/, { timeout: 60_000 });
	await terminal.lines.waitFor(/Job heartbeat is ready/);
	terminal.type(key.ctrlC);
	const { code } = await terminal.exit();
	assert.match(terminal.lines.text, /Thread 1 \(counter\) stopped at/);
	assert.match(terminal.lines.text, /Exiting main program with code 0/);
	assert.equal(code, 0, terminal.lines.text);
});
