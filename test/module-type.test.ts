/** ES modules in a package of `"type": "commonjs"`, as `npm init` makes it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { lastcall } from "./helpers/cli.ts";
import { makeDirectory } from "./helpers/directory.ts";

const PACKAGE = JSON.stringify({ name: "project", type: "commonjs" });
const JOB = 'import "node:fs";\nexport default function job() {}\n';
const CONFIG = 'export default { jobs: { job: { thread: "job.ts" } } };\n';

test("lastcall run says what to do about a configuration that is an ES module", async () => {
	using directory = makeDirectory({ "package.json": PACKAGE, "lastcall.config.js": CONFIG });
	const { stderr, code } = await lastcall(["run"], { cwd: directory.path });
	const file = join(directory.path, "lastcall.config.js");
	const expected = `lastcall: Cannot read the configuration ${file}: ${file} is an ES module, but its package.json says "type": "commonjs"; name the file lastcall.config.mjs, or set "type": "module" (npm pkg set type=module)\n`;
	assert.ok(stderr.endsWith(expected), stderr);
	assert.equal(code, 2);
});

for (const [name, text] of [
	["job.js", JOB],
	["imported.js", 'export * from "./job.js";\n'],
] as const)
	test(`lastcall run says what to do about a job that is one, ${name}`, async () => {
		using directory = makeDirectory({
			"package.json": PACKAGE,
			"job.js": JOB,
			[name]: text,
			"main.mts": `export { default } from "./${name}";\n`,
			"lastcall.config.mts": CONFIG.replace("job.ts", "main.mts"),
		});
		const { stdout, code } = await lastcall(["run"], { cwd: directory.path });
		const file = join(directory.path, name);
		const advice = `is an ES module, but its package.json says "type": "commonjs"; name the file ${name.replace(".", ".m")}, or set`;
		const line = stdout.split("\n").find((it) => it.includes('"job.exited"'));
		const { exit } = JSON.parse(line ?? "{}");
		assert.equal(exit?.outcome, "not-started");
		assert.ok(exit.error.message.includes(`${file} ${advice}`), stdout);
		assert.equal(code, 1);
	});
