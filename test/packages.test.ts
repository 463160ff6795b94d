/** The packages of dist/packages: what is done by each, and where none is loaded. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../scripts/lib/command.ts";
import { root } from "../scripts/lib/paths.ts";
import { makeDirectory, type TestDirectory } from "./helpers/directory.ts";
import { fixture, startNode, writeConfig } from "./helpers/lastcall.ts";
import { shell } from "./helpers/programs.ts";

/** A copy of the built package, to be changed. */
function copyOfDist(): TestDirectory {
	const copy = makeDirectory({ "package.json": '{"type": "module"}' });
	cpSync(join(root, "dist"), join(copy.path, "dist"), { recursive: true });
	// Node.js 24 needs koffi.
	symlinkSync(join(root, "node_modules"), join(copy.path, "node_modules"));
	return copy;
}

/** Has the copy's package export what this code makes of its `exports`. */
function wrap(copy: TestDirectory, name: string, code: string): void {
	const file = join(copy.path, `dist/packages/${name}.cjs`);
	const original = readFileSync(file, "utf8");
	writeFileSync(file, `(function (exports, require) { (${original})(exports, require); ${code} })`);
}

async function runJobs(copy: TestDirectory, jobs: object) {
	using config = writeConfig({ jobs });
	const main = join(copy.path, "dist/main.cjs");
	await using lastcall = await startNode([main, "run", config.path], { asInit: false });
	const { code } = await lastcall.exit();
	return { code, lines: lastcall.lines.all, events: lastcall.events };
}

const thread = { thread: fixture("returning"), essential: false };

test("every line of the init's log is written by pino", async () => {
	using copy = copyOfDist();
	wrap(
		copy,
		"pino",
		"const { pino } = exports; exports = Object.assign(exports, { pino: (options, to) => pino({ ...options, base: { ...options.base, by: 'pino' } }, to) });",
	);
	const process = { command: shell("echo printed"), essential: false };
	const { events } = await runJobs(copy, { thread, process });
	assert.ok(events.length > 5, `${events.length} events`);
	for (const event of events) assert.equal((event as { by?: string }).by, "pino", JSON.stringify(event));
});

test("every process job is started by execa, and only they need it", async () => {
	using copy = copyOfDist();
	wrap(
		copy,
		"execa",
		"const { execa } = exports; Object.assign(exports, { execa: (file, args, options) => execa(file, args, { ...options, env: { ...options.env, BY: 'execa' } }) });",
	);
	const process = { command: shell('echo "by $BY"'), essential: false };
	const withExeca = await runJobs(copy, { thread, process });
	assert.ok(withExeca.lines.includes("by execa"));

	rmSync(join(copy.path, "dist/packages/execa.cjs"));
	assert.equal((await runJobs(copy, { thread })).code, 0);
	const without = await runJobs(copy, { process });
	assert.equal(without.code, 1);
	assert.match(without.lines.join("\n"), /"outcome":"not-started".*execa\.cjs/);
});

test("where pino cannot be loaded the init's log is the same", async () => {
	using copy = copyOfDist();
	const shapeOf = async () => {
		const { events } = await runJobs(copy, { thread });
		return events.map((event) => Object.keys(event));
	};
	const shape = await shapeOf();
	rmSync(join(copy.path, "dist/packages"), { recursive: true });
	assert.deepEqual(await shapeOf(), shape);
});

test("a program in the foreground and lastcall/register need no package", async () => {
	using copy = copyOfDist();
	rmSync(join(copy.path, "dist/packages"), { recursive: true });
	const main = join(copy.path, "dist/main.cjs");
	const echo = await run(process.execPath, [main, "-s", "--", "echo", "hi"]);
	assert.deepEqual([echo.stdout, echo.code], ["hi\n", 0]);
	const dist = join(copy.path, "dist");
	const app = await run(process.execPath, [
		`--import=${join(dist, "register.js")}`,
		"--input-type=module",
		"--eval",
		`import { onStop } from "${join(dist, "index.js")}";
		onStop("it", () => console.log("stopped"));
		setInterval(() => {}, 1_000);
		process.kill(process.pid, "SIGTERM");`,
	]);
	assert.deepEqual([app.stdout, app.code], ["stopped\n", 0], app.stderr);
});
