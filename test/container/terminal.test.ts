/** `docker run -it`, in a real terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Container, client, containerName, runArgs } from "../helpers/docker.ts";
import { exampleImage } from "../helpers/images.ts";
import { key, openPty } from "../helpers/pty.ts";

test("docker run -it prints for people, and Ctrl-C stops it", async () => {
	const image = await exampleImage();
	await using container = new Container(containerName());
	const args = runArgs(container.name, { image, flags: ["--interactive", "--tty"] });
	await using terminal = openPty(client, ["run", ...args]);
	const ready = { timeout: 60_000 };
	await terminal.lines.waitFor(/Job counter is ready/, ready);
	await terminal.lines.waitFor(/Job heartbeat is ready/, ready);
	terminal.type(key.ctrlC);
	assert.equal((await terminal.exit()).code, 0, terminal.lines.text);
	assert.doesNotMatch(terminal.lines.text, /"event"/, "no JSON");
	assert.match(terminal.lines.text, /Caught signal 2 \(SIGINT\)/);
	assert.match(terminal.lines.text, /Thread 1 \(counter\) stopped at/);
	assert.match(terminal.lines.text, /Exiting main program with code 0/);
});
