/** ES modules in a package of `"type": "commonjs"`, as `npm init` makes it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { lastcall } from "./helpers/cli.ts";
import { makeDirectory } from "./helpers/directory.ts";

const CONFIG = 'export default { jobs: { job: { thread: "job.js" } } };\n';
/** It imports an ES module, and CommonJS in which an import stands in a text. */
const JOB = `import { word } from "./lib/word.js";
import rest from "./lib/rest.js";
export default function job() {
	console.log(word + rest.text);
}
`;
const FILES = {
	"lib/word.js": 'export const word = "hello";\n',
	"lib/rest.js": "module.exports = { text: `\nimport it` };\n",
};

for (const [name, more] of [
	["in JavaScript", { "lastcall.config.js": CONFIG, "job.js": JOB }],
	["in TypeScript", { "lastcall.config.ts": CONFIG.replace(".js", ".ts"), "job.ts": JOB }],
	[
		"imported",
		{
			"lastcall.config.json": '{"jobs":{"job":{"thread":"a.mts"}}}',
			"a.mts": 'export { default } from "./job.js";',
			"job.js": JOB,
		},
	],
] as const)
	test(`a configuration and a job ${name} may be ES modules in a package of type commonjs`, async () => {
		using directory = makeDirectory({ ...FILES, "package.json": '{"type":"commonjs"}', ...more });
		const { stdout, stderr, code } = await lastcall(["run"], { cwd: directory.path });
		assert.equal(code, 0, stdout + stderr);
		const messages = stdout
			.split("\n")
			.filter((line) => line.includes('"stream"'))
			.map((line) => JSON.parse(line).msg);
		assert.deepEqual(messages, ["hello", "import it"]);
		assert.equal(stderr, "", "nothing is said about it");
	});

test("lastcall run says what to do about a job in CommonJS that imports an ES module of the package", async () => {
	using directory = makeDirectory({
		...FILES,
		"package.json": '{"type":"commonjs"}',
		"lastcall.config.json": '{"jobs":{"job":{"thread":"job.js"}}}',
		"job.js": 'module.exports = () => {};\nrequire("./lib/word.js");\n',
	});
	const { stdout, code } = await lastcall(["run"], { cwd: directory.path });
	const file = join(directory.path, "lib/word.js");
	const advice = `${file} is an ES module, but its package.json says "type": "commonjs"; name the file word.mjs, or set`;
	const line = stdout.split("\n").find((it) => it.includes('"job.exited"'));
	const { exit } = JSON.parse(line ?? "{}");
	assert.equal(exit?.outcome, "not-started");
	assert.ok(exit.error.message.includes(advice), stdout);
	assert.equal(code, 1);
});
