import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { renderPage } from "../scripts/architecture.ts";
import { INLINED, PACKAGES } from "../scripts/lib/bundle.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { readImports } from "./helpers/imports.ts";
import { brokenRules, LAYERS } from "./helpers/layers.ts";

const root = join(import.meta.dirname, "..");
const imports = await readImports(root);

test("src/ keeps its layers, has no import cycle, no package in two files, and no long file", () => {
	assert.ok(imports.size > 30, `found ${imports.size} files`);
	assert.deepEqual(brokenRules(imports), []);
});

test("src/ has no folder without a place among the layers", () => {
	const folders = readdirSync(join(root, "src"), { withFileTypes: true })
		.filter((entry) => entry.isDirectory())
		.map(({ name }) => name);
	const known = LAYERS.flat();
	assert.deepEqual(
		folders.filter((name) => !known.includes(name)),
		[],
	);
});

test("src/ uses each dependency of package.json and what is in the bundles, and no other package", () => {
	const text = readFileSync(join(root, "package.json"), "utf8");
	const { dependencies, optionalDependencies } = JSON.parse(text);
	const declared = new Set([...Object.keys({ ...dependencies, ...optionalDependencies }), ...INLINED, ...PACKAGES]);
	const used = [...imports.values()].flatMap(({ packages }) => packages);
	assert.deepEqual([...new Set(used)].sort(), [...declared].sort());
});

test("docs/architecture.md has the first sentence of every source file", () => {
	const page = readFileSync(join(root, "docs/architecture.md"), "utf8");
	assert.equal(page, renderPage(), "scripts/node scripts/architecture.ts writes it");
});

test("test/ names the package for property-based tests in one file", () => {
	const users = globSync("test/**/*.ts", { cwd: root }).filter((file) =>
		/^import .* from "fast-check"/m.test(readFileSync(join(root, file), "utf8")),
	);
	assert.deepEqual(users, ["test/helpers/property.ts"]);
});

test("brokenRules() finds what is wrong in a bad graph, and counts type-only imports", async () => {
	using directory = makeDirectory({
		"src/base/errors.ts": 'import "../os/libc.ts";',
		"src/main.ts": 'import { libc } from "./os/libc.ts"; await import("./run/run.ts"); libc();',
		"src/run/run.ts": 'import "../config/load.ts"; import "../tools/x.ts"; import "../cli/args.ts";',
		"src/tools/x.ts": "",
		"src/cli/args.ts": "",
		"src/config/load.ts": 'export * from "./check.ts"; import "pino";',
		"src/config/check.ts": 'import "./load.ts"; import { a } from "@scope/a/b"; a();',
		"src/os/libc.ts": [
			'import type { Thing } from "../job/thing.ts";',
			'import koffi from "koffi"; import "node:fs";',
			"export const libc = () => koffi as Thing;",
		].join("\n"),
		"src/os/ffi.ts": 'createRequire(import.meta.url)(\n"koffi") as typeof import("pino");',
		"src/job/thing.ts": `${"\n".repeat(400)}export interface Thing {}`,
	});
	assert.deepEqual(brokenRules(await readImports(directory.path)), [
		"base/errors.ts imports os/libc.ts, which does not stand below it",
		"os/libc.ts imports job/thing.ts, which does not stand below it",
		"run/run.ts imports tools/x.ts, which does not stand below it",
		"run/run.ts imports cli/args.ts, which does not stand below it",
		"import cycle: config/check.ts → config/load.ts → config/check.ts",
		"koffi is imported by os/ffi.ts, os/libc.ts",
		"job/thing.ts has 401 lines",
	]);
});
