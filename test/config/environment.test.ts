/** Variables from files: which value counts, and which files are refused, without a word of what they hold. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { validateConfig } from "../../src/config/validate.ts";
import { makeDirectory } from "../helpers/directory.ts";

const SECRET = "hunter2-does-not-belong-here";

function variables(folder: string, job: object): Readonly<Record<string, string>> {
	const value = { jobs: { it: { command: ["true"], ...job } } };
	return validateConfig({ path: join(folder, "lastcall.config.json"), value }).jobs.it?.variables ?? {};
}

/** The message of the one mistake. */
function mistake(folder: string, job: object): string {
	try {
		variables(folder, job);
	} catch (error) {
		assert.ok(error instanceof UserError, String(error));
		assert.doesNotMatch(error.message, new RegExp(SECRET));
		const [, line = "", ...more] = error.message.split("\n");
		assert.deepEqual(more, []);
		return line.replace(/^ *Cannot use jobs\.it\./, "");
	}
	throw new Error("It was taken");
}

test("envFile is read as Node.js reads it; a later file counts before an earlier one, and env before both", () => {
	using folder = makeDirectory({
		".env": "\uFEFFA=1\nB=1\nC=1\n# comment\nexport D=\"two\nlines\"\nE= 'x y' \n",
		"conf/b.env": "B=2\nC=2\n",
	});
	const files = { envFile: [".env", { path: "conf/b.env" }, { path: "none.env", required: false }] };
	const expected = { A: "1", B: "2", C: "3", D: "two\nlines", E: "x y" };
	assert.deepEqual(variables(folder.path, { ...files, env: { C: "3" } }), expected);
	assert.deepEqual(variables(folder.path, { envFile: "conf/b.env" }), { B: "2", C: "2" });
	assert.deepEqual(variables(folder.path, { envFile: { path: "none.env", required: false } }), {});
});

test("env takes the content of a file, without one line feed at its end", () => {
	using folder = makeDirectory({ a: "plain", b: "one\n", c: "two\n\n", d: "", "run/e": "x" });
	symlinkSync("run/e", join(folder.path, "link"));
	const env = {
		A: { file: "a" },
		B: { file: "b" },
		C: { file: "c" },
		D: { file: "d" },
		E: { file: "./link" },
		F: "text",
	};
	const expected = { A: "plain", B: "one", C: "two\n", D: "", E: "x", F: "text" };
	assert.deepEqual(variables(folder.path, { env }), expected);
	assert.deepEqual(variables("/", { env: { A: { file: join(folder.path, "a") } } }), { A: "plain" });
});

test("PATH from a file counts when the program is looked for", () => {
	using folder = makeDirectory({ ".env": "PATH=/nowhere\n" });
	assert.match(
		mistake(folder.path, { envFile: ".env" }),
		/^command: "true" not found as a program \(looked on PATH, \/nowhere,/,
	);
});

test("files that cannot be used are mistakes, in messages without their content", () => {
	using folder = makeDirectory({
		nul: `${SECRET}\0`,
		large: SECRET.repeat(5_000),
		"nul.env": `A=${SECRET}\0\n`,
		"large.env": `A=${SECRET.repeat(5_000)}\n`,
		"huge.env": `A=${SECRET}\n`.repeat(40_000),
		unreadable: SECRET,
	});
	const { path } = folder;
	mkdirSync(join(path, "folder"));
	writeFileSync(join(path, "binary"), Buffer.concat([Buffer.from(SECRET), Buffer.from([0xff, 0xfe])]));
	execFileSync("mkfifo", [join(path, "fifo")]);
	const at = (file: string) => `\\(looked at ${join(path, file)}\\)`;
	const cases: [file: string, message: string][] = [
		["none", `"none" not found ${at("none")}`],
		["folder", `"folder" is a folder, expected a file ${at("folder")}`],
		["fifo", `"fifo" is no regular file, expected one ${at("fifo")}`],
		["binary", `"binary" is not text in UTF-8 ${at("binary")}`],
		["nul/x", `"nul/x" cannot be read: ENOTDIR ${at("nul/x")}`],
	];
	for (const [file, message] of cases) {
		assert.match(mistake(path, { env: { X: { file } } }), new RegExp(`^env\\.X\\.file: ${message}$`));
		assert.match(mistake(path, { envFile: file }), new RegExp(`^envFile: ${message}$`));
	}
	// Only a file that is not there may be missing.
	assert.match(mistake(path, { envFile: { path: "folder", required: false } }), /^envFile: "folder" is a folder/);
	assert.match(mistake(path, { env: { X: { file: "nul" } } }), /^env\.X\.file: "nul" has a NUL character/);
	assert.match(
		mistake(path, { env: { X: { file: "large" } } }),
		/^env\.X\.file: "large" has 140000 bytes, expected at most 131072/,
	);
	assert.match(mistake(path, { envFile: "nul.env" }), /^envFile: "nul\.env": the variable A has a NUL character/);
	assert.match(
		mistake(path, { envFile: "large.env" }),
		/^envFile: "large\.env": the variable A has 140002 bytes with its name/,
	);
	assert.match(mistake(path, { envFile: "huge.env" }), /^envFile: "huge\.env" has \d+ bytes, expected at most 1048576/);
});

test("a file that cannot be read is a mistake", () => {
	using folder = makeDirectory({});
	// No permission would do: root reads every file.
	symlinkSync("unreadable", join(folder.path, "unreadable"));
	assert.match(
		mistake(folder.path, { env: { X: { file: "unreadable" } } }),
		/^env\.X\.file: "unreadable" cannot be read: ELOOP/,
	);
});

test("fields of another shape are mistakes, and so is a missing file beside another mistake", () => {
	assert.match(mistake("/", { env: { X: { file: "/etc/passwd", path: SECRET } } }), /^env\.X\.path: no such field$/);
	assert.match(mistake("/", { env: { X: 1 } }), /^env\.X: found 1, expected string \(in quotes: "1"\)$/);
	assert.match(mistake("/", { envFile: 1 }), /^envFile: found 1, expected a path, or \{path: PATH, required: false\}/);
	assert.match(mistake("/", { envFile: ["a", 1].slice(1) }), /^envFile: found Array, expected a path/);
	assert.throws(() => variables("/", { envFile: ["none.env"], env: { X: { file: "none" } }, restart: "maybe" }), {
		message: /restart: found "maybe"[\s\S]*envFile: "none\.env" not found[\s\S]*env\.X\.file: "none" not found/,
	});
});

test("the kernel's limit is one for the name and the value together", () => {
	using folder = makeDirectory({});
	const fits = "x".repeat(131_071 - "X=".length);
	const found = spawnSync("true", { env: { PATH: process.env.PATH, X: fits } });
	assert.equal(found.status, 0, String(found.error));
	assert.match(
		mistake(folder.path, { env: { X: `${fits}x` } }),
		/^env\.X: has 131072 bytes with its name, expected at most 131071/,
	);
	assert.match(String(spawnSync("true", { env: { PATH: process.env.PATH, X: `${fits}x` } }).error), /E2BIG/);
});
