/** The built package on a Node.js that is too old for it, and on those that are not. Real binaries: scripts/toolchain. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { run } from "../scripts/lib/command.ts";
import { root } from "../scripts/lib/paths.ts";
import { nodeBinary, nodeVersion } from "../scripts/lib/toolchain.ts";
import { complainOfNode } from "../src/base/versions.ts";
import { REGISTER } from "./helpers/app.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { Lines } from "./helpers/lines.ts";
import { Pipe } from "./helpers/output.ts";

const MAIN = join(root, "dist/main.cjs");
const OLDER = [20, 22] as const;
/** The oldest that will do, and the one that runs this test. */
const GOOD_ENOUGH = [nodeBinary(24), process.execPath];

const installed = [...OLDER, 24 as const].every((major) => existsSync(nodeBinary(major)));
const needsOlder = {
	skip:
		!installed && process.env.CI !== "true"
			? "found no older Node.js; install them: scripts/toolchain/install older"
			: false,
};

/** Apps in JavaScript: an old Node.js knows no types. */
const APPS = {
	"ends.mjs": `console.log("app"); process.exitCode = 7;`,
	"ticks.mjs": `setInterval(() => console.log("tick"), 20);`,
	"listens.mjs": `process.on("SIGTERM", () => process.exit(9)); setInterval(() => console.log("tick"), 20);`,
	"workers.mjs": `
		import { fork } from "node:child_process";
		import { isMainThread, Worker } from "node:worker_threads";
		const file = new URL(import.meta.url);
		if (isMainThread && !process.send) {
			console.log("main");
			new Worker(file);
			fork(file);
		} else console.log(process.send ? "child" : "thread");`,
};

for (const major of OLDER) {
	const node = nodeBinary(major);
	const line = `lastcall needs Node.js 24 or newer, this is v${nodeVersion(major)}\n`;

	suite(`Node.js ${major}`, needsOlder, () => {
		test("lastcall says in one line what it needs, whatever it is asked for", async () => {
			for (const args of [
				[],
				["--version"],
				["--help"],
				["run", "none.ts"],
				["run", "--help"],
				["status"],
				["-s", "--", "echo", "started"],
			]) {
				const found = await run(node, [MAIN, ...args]);
				const expected = { code: 2, stdout: "", stderr: line };
				assert.deepEqual(found, expected, args.join(" "));
			}
		});

		test("lastcall/register says it once, and the app ends by itself as ever", async () => {
			using apps = makeDirectory(APPS);
			const args = [...REGISTER, join(apps.path, "ends.mjs")];
			const found = await run(node, args, { cwd: root });
			assert.deepEqual(found, { code: 7, stdout: "app\n", stderr: line });
		});

		test("lastcall/register leaves signals to the app", async () => {
			using apps = makeDirectory(APPS);
			for (const [app, expected] of [
				["ticks.mjs", [null, "SIGTERM"]],
				["listens.mjs", [9, null]],
			] as const) {
				const args = [...REGISTER, join(apps.path, app)];
				const child = spawn(node, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
				using _ = killAtEnd(child);
				const exited = once(child, "exit");
				const lines = Lines.from(child.stdout);
				await lines.waitFor(/^tick$/, { timeout: 30_000 });
				child.kill("SIGTERM");
				assert.deepEqual(await exited, expected, app);
			}
		});

		test("lastcall/register does not say it again in threads and forked processes", async () => {
			using apps = makeDirectory(APPS);
			const args = [...REGISTER, join(apps.path, "workers.mjs")];
			const { stdout, stderr } = await run(node, args, { cwd: root });
			const who = stdout.trimEnd().split("\n").sort();
			assert.deepEqual(who, ["child", "main", "thread"]);
			assert.equal(stderr, line);
		});

		test("lastcall/register does no harm where nobody reads what it says", async () => {
			using apps = makeDirectory(APPS);
			using pipe = new Pipe();
			pipe.hangUp();
			const args = [...REGISTER, join(apps.path, "ends.mjs")];
			const child = spawn(node, args, { cwd: root, stdio: ["ignore", "ignore", pipe.writer] });
			using _ = killAtEnd(child);
			assert.deepEqual(await once(child, "exit"), [7, null]);
		});

		test("import from lastcall throws it", async () => {
			const script = `import("lastcall").catch(({ name, message }) => console.log(name + ": " + message));`;
			const args = ["--input-type=module", "--eval", script];
			const found = await run(node, args, { cwd: root });
			const stdout = `Error: ${line}`;
			assert.deepEqual(found, { code: 0, stdout, stderr: "" });
		});
	});
}

test("a Node.js that is new enough hears nothing of it", needsOlder, async () => {
	using apps = makeDirectory(APPS);
	const { version } = packageJson();
	const script = 'import("lastcall").then(({ drain }) => console.log(typeof drain));';
	for (const node of GOOD_ENOUGH)
		for (const [args, code, stdout] of [
			[[MAIN, "--version"], 0, `lastcall ${version}\n`],
			[[...REGISTER, join(apps.path, "ends.mjs")], 7, "app\n"],
			[["--input-type=module", "--eval", script], 0, "function\n"],
		] as const)
			assert.deepEqual(await run(node, args, { cwd: root }), { code, stdout, stderr: "" }, [node, ...args].join(" "));
});

test("complainOfNode() asks for what package.json asks for", () => {
	assert.equal(complainOfNode(), undefined);
	const versions = Object.getOwnPropertyDescriptor(process, "versions");
	assert.ok(versions);
	const [needed = ""] = packageJson().engines.node.match(/\d+/) ?? [];
	for (const [node, complains] of [
		[`${Number(needed) - 1}.99.9`, true],
		[`${needed}.0.0`, false],
		["100.0.0", false],
	] as const) {
		Object.defineProperty(process, "versions", { ...versions, value: { ...process.versions, node } });
		try {
			assert.equal(complainOfNode() !== undefined, complains, node);
		} finally {
			Object.defineProperty(process, "versions", versions);
		}
	}
});

function packageJson(): { version: string; engines: { node: string } } {
	return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}

function killAtEnd(child: ChildProcess): Disposable {
	return { [Symbol.dispose]: () => child.kill("SIGKILL") };
}
