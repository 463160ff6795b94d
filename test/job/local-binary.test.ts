/** A project's own programs as commands: node_modules/.bin. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { startNode } from "../helpers/lastcall.ts";
import { MAIN } from "../helpers/main.ts";

const PATH = "/usr/bin:/bin";

/** Runs the command `hello` of sub/lastcall.config.json in a folder `app`, with programs at these places beside it. */
async function hello(files: Readonly<Record<string, string>>, command = ["hello", "world"]) {
	const config = { jobs: { it: { command } } };
	using directory = makeDirectory({ "app/sub/lastcall.config.json": JSON.stringify(config), ...files });
	for (const file of Object.keys(files)) chmodSync(join(directory.path, file), 0o755);
	const path = join(directory.path, "app/sub/lastcall.config.json");
	await using lastcall = await startNode([MAIN, "run", path], { asInit: false, env: { PATH } });
	const { code } = await lastcall.exit();
	const { text, all } = lastcall.lines;
	return { code, text, said: all.filter((line) => line.startsWith("hello ")) };
}

/** Says where it stands, its argument, and the PATH that it got. */
const script = (where: string) => `#!/bin/sh\necho "hello ${where} $1 $PATH"\n`;

test("a command is found in node_modules/.bin of the configuration's folder, and of those above it up to the root of the project", async () => {
	const root = { "app/package.json": "{}", "app/package-lock.json": "{}" };
	const inner = { "app/sub/package.json": "{}" };
	const atRoot = { "app/node_modules/.bin/hello": script("root") };
	const atInner = { "app/sub/node_modules/.bin/hello": script("inner") };
	for (const [files, where] of [
		[{ ...root, ...atRoot }, "root"],
		[{ ...root, ...inner, ...atRoot }, "root"],
		[{ ...root, ...inner, ...atRoot, ...atInner }, "inner"],
	] as const) {
		const { code, said, text } = await hello(files);
		assert.equal(code, 0, text);
		// Nothing is put into PATH for it: what it starts itself is its own matter.
		assert.deepEqual(said, [`hello ${where} world ${PATH}`]);
	}
});

test("a command is not found above the root of the project, nor when it names a path", async () => {
	const above = { "node_modules/.bin/hello": script("above") };
	const stray = { "package.json": "{}" };
	const own = { "app/package.json": "{}" };
	const { code, text } = await hello({ ...above, ...stray, ...own });
	assert.equal(code, 2);
	assert.match(
		text,
		/Cannot use jobs.it.command: "hello" not found as a program \(looked on PATH, \/usr\/bin:\/bin, and in node_modules\/.bin\)/,
	);
	const local = { "app/node_modules/.bin/hello": script("root") };
	assert.equal((await hello({ ...own, ...local }, ["./hello"])).code, 2);
});

test("a program of PATH comes first", async () => {
	const local = { "app/sub/node_modules/.bin/echo": script("local") };
	const { text } = await hello(local, ["echo", "from PATH"]);
	assert.match(text, /^from PATH$/m);
});
