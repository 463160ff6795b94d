/** TypeScript of the user: it is stripped once, kept by `lastcall check`, and works in a package of each type. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lastcall } from "./helpers/cli.ts";
import { makeDirectory } from "./helpers/directory.ts";

const CONFIG = `export default { output: "inherit", jobs: { one: { thread: "job.ts" }, two: { thread: "job.ts" } } } satisfies object;\n`;
/** Prints its text and whether its own thread has loaded Node.js's type stripper. */
const JOB = `import { text } from "./lib/text.ts";
export default function job({ name }: { name: string }): void {
	const loaded = (process as unknown as { moduleLoadList: string[] }).moduleLoadList;
	console.log(\`\${name}: \${text}; stripper: \${loaded.some((id) => id.includes("amaro"))}\`);
}
`;
const TEXT = `export const text: string = "from the source";\n`;
const FILES = { "lastcall.config.ts": CONFIG, "job.ts": JOB, "lib/text.ts": TEXT, "node_modules/.keep": "" };
const CACHE = join("node_modules/.cache/lastcall", process.version);

async function linesOfJobs(cwd: string): Promise<string[]> {
	const { stdout, stderr, code } = await lastcall(["run"], { cwd });
	assert.equal(code, 0, stdout + stderr);
	return stdout
		.split("\n")
		.filter((line) => /^(one|two): /.test(line))
		.sort();
}

for (const type of ["module", "commonjs", undefined])
	test(`threads and a configuration in TypeScript run in a package of type ${type}, and load no stripper`, async () => {
		using directory = makeDirectory({ ...FILES, "package.json": JSON.stringify({ type }) });
		const expected = ["one: from the source; stripper: false", "two: from the source; stripper: false"];
		assert.deepEqual(await linesOfJobs(directory.path), expected);
		assert.ok(!existsSync(join(directory.path, CACHE)), "a service writes no code");
	});

test("what lastcall check has kept is used while the source is the same", async () => {
	using directory = makeDirectory({ ...FILES, "package.json": "{}" });
	const source = join(directory.path, "lib/text.ts");
	const entry = join(directory.path, CACHE, "lib/text.ts");
	const { code, stderr } = await lastcall(["check"], { cwd: directory.path });
	assert.equal(code, 0, stderr);
	// So the test sees which of the two is used.
	writeFileSync(entry, readFileSync(entry, "utf8").replace(/from the source(?=[^\0]*$)/, "from the cache"));
	assert.match((await linesOfJobs(directory.path)).join(), /^one: from the cache; .*two: from the cache; /);
	writeFileSync(source, TEXT.replace("the source", "a new source"));
	assert.match((await linesOfJobs(directory.path)).join(), /^one: from a new source; .*two: from a new source; /);
});

test("lastcall check keeps nothing where it cannot: no node_modules, a file that is in the way", async () => {
	for (const files of [
		{ "lastcall.config.ts": CONFIG, "job.ts": JOB, "lib/text.ts": TEXT, "package.json": "{}" },
		{ ...FILES, "package.json": "{}", "node_modules/.cache": "" },
	]) {
		using directory = makeDirectory(files);
		const { code, stdout, stderr } = await lastcall(["check"], { cwd: directory.path });
		assert.equal(code, 0, stdout + stderr);
		assert.match((await linesOfJobs(directory.path)).join(), /^one: from the source; /);
	}
});

test("what Node.js cannot strip is reported in Node.js's words, with the file", async () => {
	using directory = makeDirectory({ ...FILES, "package.json": "{}", "lib/text.ts": "export enum text { a }\n" });
	const { code } = await lastcall(["check"], { cwd: directory.path });
	assert.equal(code, 0);
	const { stdout, code: runCode } = await lastcall(["run"], { cwd: directory.path });
	assert.equal(runCode, 1);
	const line = stdout.split("\n").find((it) => it.includes('"job.exited"'));
	const { exit } = JSON.parse(line ?? "{}");
	assert.equal(exit?.outcome, "not-started");
	assert.match(exit.error.message, /job\.ts: .*enum is not supported in strip-only mode/s);
});

for (const [what, job, message] of [
	["an enum", "enum A { x }", /job\.ts:\d+: .*enum is not supported.*: only types are removed; write it in JavaScript/],
	[
		"an alias",
		'import "@/lib/text.ts";',
		/'@\/lib' .*: Node\.js does not read "paths" of tsconfig\.json; write "imports"/,
	],
	["no extension", 'import "./lib/text";', /lib\/text' .*: found .*\/lib\/text\.ts; Node\.js wants the name as it is/],
	["another extension", 'import "./lib/text.js";', /lib\/text\.js' .*: found .*\/lib\/text\.ts; /],
] as const)
	test(`what to do about ${what} is said in one line, of a job and of a configuration`, async () => {
		using directory = makeDirectory({ ...FILES, "package.json": "{}", "job.ts": `${job}\nexport default () => {};\n` });
		const cwd = directory.path;
		const { stdout } = await lastcall(["run"], { cwd });
		const line = stdout.split("\n").find((it) => it.includes('"job.exited"'));
		assert.match(JSON.parse(line ?? "{}").exit.error.message, message);
		const { stderr, code } = await lastcall(["run", "job.ts"], { cwd });
		assert.match(stderr, message);
		assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
		assert.equal(code, 2);
	});

test("the aliases of package.json work", async () => {
	using directory = makeDirectory({
		...FILES,
		"package.json": '{"imports":{"#*":"./*"}}',
		"job.ts": JOB.replace("./lib/text.ts", "#lib/text.ts"),
	});
	assert.match((await linesOfJobs(directory.path)).join(), /^one: from the source; /);
});

test("CommonJS in TypeScript, required and imported", async () => {
	using directory = makeDirectory({
		...FILES,
		"package.json": "{}",
		"lib/text.ts": `export { text } from "./text.cts";\n`,
		"lib/text.cts": `const { text }: { text: string } = require("./inner.ts");\nexports.text = text;\n`,
		"lib/inner.ts": `const text: string = "from CommonJS";\nmodule.exports = { text };\n`,
	});
	assert.match((await linesOfJobs(directory.path)).join(), /^one: from CommonJS; /);
});
