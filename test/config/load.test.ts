import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { DEFAULT_NAMES, loadConfig } from "../../src/config/load.ts";
import { lastcall } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";

/** What the user reads when a file of this name and text is loaded. */
async function refusal(name: string, text: string): Promise<string> {
	using directory = makeDirectory({ [name]: text });
	const error = await loadConfig(name, directory.path).then(
		() => undefined,
		(thrown) => thrown,
	);
	assert.ok(error instanceof UserError, String(error));
	return error.message.replaceAll(directory.path, "DIR");
}

const sources: Record<string, string> = {
	"jobs.ts": "const jobs: object = {}; export default { jobs };",
	"jobs.mts": "interface Jobs {}; export default { jobs: {} as Jobs };",
	"jobs.js": "export default { jobs: {} };",
	"jobs.mjs": "export default await Promise.resolve({ jobs: {} });",
	"jobs.json": '{ "jobs": {} }',
	// What TypeScript makes of an ES module when it compiles to CommonJS.
	"jobs.config.js": 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = { jobs: {} };',
};

for (const [name, text] of Object.entries(sources)) {
	test(`loadConfig() reads ${name}`, async () => {
		// Without a package.json Node.js finds out by the text that a .js or .ts is a module.
		using directory = makeDirectory({ [name]: text });
		assert.deepEqual(await loadConfig(name, directory.path), { path: join(directory.path, name), value: { jobs: {} } });
	});
}

test("loadConfig() takes an absolute path wherever it is called", async () => {
	using directory = makeDirectory({ "jobs.json": "{}" });
	const path = join(directory.path, "jobs.json");
	assert.equal((await loadConfig(path, "/")).path, path);
});

test("loadConfig() reads a file whose path has to be escaped in a URL", async () => {
	using directory = makeDirectory({ "a %23#?.mjs": "export default 7" });
	const { value } = await loadConfig("a %23#?.mjs", directory.path);
	assert.equal(value, 7);
});

test("loadConfig() finds the default names, TypeScript first", async () => {
	using directory = makeDirectory({ "lastcall.config.json": '"json"', "lastcall.config.mjs": 'export default "mjs"' });
	assert.equal((await loadConfig(undefined, directory.path)).value, "mjs");
	assert.equal(DEFAULT_NAMES[0], "lastcall.config.ts");
});

test("loadConfig() without any configuration names what it looked for", async () => {
	using directory = makeDirectory({ "config.ts": "" });
	await assert.rejects(loadConfig(undefined, directory.path), {
		name: "UserError",
		message: `Cannot find a configuration in ${directory.path}: expected one of ${DEFAULT_NAMES.join(", ")}, a path: lastcall run CONFIG, or a program: lastcall run -- PROGRAM. lastcall init makes one`,
	});
});

test("loadConfig() names the file that is not there", async () => {
	await assert.rejects(loadConfig("nowhere.ts", "/"), {
		name: "UserError",
		message: "Cannot read the configuration: /nowhere.ts not found",
	});
});

test("loadConfig() names the extensions that it knows", async () => {
	assert.match(await refusal("jobs.toml", ""), /DIR\/jobs\.toml: found the extension ".toml", expected one of \.ts, /);
});

test("loadConfig() names the file whose import fails, and why", async () => {
	assert.match(
		await refusal("jobs.ts", 'throw new Error("no such queue")'),
		/^Cannot read the configuration DIR\/jobs\.ts: no such queue$/,
	);
	assert.match(await refusal("jobs.ts", 'import "./gone.ts"'), /DIR\/jobs\.ts: Cannot find module 'DIR\/gone\.ts'/);
});

test("loadConfig() shows the place of a syntax error, and no stack of ours", async () => {
	const enumeration = await refusal("jobs.ts", "\nenum Job { A }");
	assert.match(enumeration, /DIR\/jobs\.ts:2: TypeScript enum is not supported in strip-only mode: [^\n]*$/);

	const module = await refusal("jobs.mjs", "export default {");
	assert.match(module, /DIR\/jobs\.mjs: SyntaxError: /);
	assert.doesNotMatch(module, /\n\s+at /);

	const json = await refusal("jobs.json", '{ "jobs": ');
	assert.match(json, /DIR\/jobs\.json: .*JSON input$/);
});

test("loadConfig() asks for the default export that is missing", async () => {
	assert.equal(
		await refusal("jobs.ts", "export const config = {}"),
		"Cannot use the configuration DIR/jobs.ts: found no default export, expected: export default {jobs: {…}}",
	);
});

test("loadConfig() passes over a byte order mark, as editors on Windows write it", async () => {
	using directory = makeDirectory({ "jobs.json": '\ufeff{ "jobs": {} }', "jobs.yaml": "\ufeffjobs: {}\r\n" });
	for (const name of ["jobs.json", "jobs.yaml"]) {
		const { value } = await loadConfig(name, directory.path);
		assert.deepEqual(value, { jobs: {} });
	}
});

test("loadConfig() refuses bytes that are not UTF-8, instead of replacing them", async () => {
	using directory = makeDirectory();
	const path = join(directory.path, "jobs.json");
	for (const bytes of [Buffer.from('{"jobs": {"caf\xe9": 1}}', "latin1"), Buffer.from("\ufeff{}", "utf16le")]) {
		writeFileSync(path, bytes);
		await assert.rejects(loadConfig(path), {
			name: "UserError",
			message: `Cannot read the configuration ${path}: found bytes that are not UTF-8, expected text in UTF-8`,
		});
	}
});

test("loadConfig() refuses a key that occurs twice in an object, and no other", async () => {
	const twice = '{"jobs": {\n"a": {"env": {}},\n"b": {}, "\\u0061": {}}}';
	for (const name of ["jobs.json", "jobs.yaml"])
		assert.equal(
			await refusal(name, twice),
			`Cannot read the configuration DIR/${name}: found the key "a" twice in one object (line 3), expected each key once`,
		);
	using directory = makeDirectory({ "jobs.json": '{"a": "{\\"a\\":", "b": [{"a": 1}, {"a": ["a", "a"]}]}' });
	const { value } = await loadConfig("jobs.json", directory.path);
	assert.deepEqual(value, { a: '{"a":', b: [{ a: 1 }, { a: ["a", "a"] }] });
});

test("loadConfig() refuses a YAML tag that nobody knows, and aliases without end", async () => {
	assert.match(await refusal("jobs.yaml", "jobs: !secret x"), /Unresolved tag: !secret at line 1/);
	const laughs = ["a: &a [ha, ha, ha]"];
	for (const [from, to] of ["ab", "bc", "cd", "de", "ef"])
		laughs.push(`${to}: &${to} [${`*${from}, `.repeat(9)}*${from}]`);
	assert.match(await refusal("jobs.yaml", laughs.join("\n")), /Excessive alias count/);
});

test("loadConfig() does not wait for a FIFO", async () => {
	using directory = makeDirectory();
	for (const name of ["jobs.json", "jobs.yaml", "jobs.ts"]) {
		const path = join(directory.path, name);
		execFileSync("mkfifo", [path]);
		await assert.rejects(loadConfig(path), {
			name: "UserError",
			message: `Cannot read the configuration ${path}: found no regular file, expected one`,
		});
	}
});

test("lastcall run and check name a configuration that waits for what never comes", async () => {
	using directory = makeDirectory({ "jobs.mjs": "await new Promise(() => {}); export default {};" });
	const path = join(directory.path, "jobs.mjs");
	for (const command of ["run", "check"])
		assert.deepEqual(await lastcall([command, path]), {
			code: 2,
			stdout: "",
			stderr: `lastcall: Cannot read the configuration ${path}: found a top-level await that never settles\n`,
		});
});
