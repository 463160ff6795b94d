/**
 * The ledger: what *tiny* means, in numbers. A change that needs a higher number says in its commit what the change displaces, or which
 * bad stop it prevents.
 */
import assert from "node:assert/strict";
import { cpSync, globSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { must } from "../scripts/lib/command.ts";
import { root } from "../scripts/lib/paths.ts";
import { SUBCOMMANDS } from "../src/cli/args.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { fixture } from "./helpers/lastcall.ts";
import { PackageProject } from "./helpers/package.ts";

/** The highest numbers that are allowed. Those of bytecode leave some room: it differs from build to build. */
const LEDGER = {
	"lines of src/": 14_598,
	"files of src/": 125,
	"lines of src/supervisor/ and src/job/": 3_586,
	"lines of README.md": 140,
	"fields of the configuration": 49,
	subcommands: 9,
	"packages that npm install brings": 34,
	"MB that npm install brings": 8.4,
	"KB that lastcall -- true loads": 154,
	"files that lastcall -- true loads": 3,
	"KB that run with two threads loads": 676,
	"files that run with two threads loads": 6,
	"KB that lastcall/register loads": 21,
	"files that lastcall/register loads": 1,
	"KB that an app with onStop() loads": 23,
	"KB that a thread loads": 9,
	"KB of rehearse, which nothing else loads": 85,
} as const satisfies Readonly<Record<string, number>>;

const REHEARSE = "rehearse.cjs";

function hold(numbers: Partial<Record<keyof typeof LEDGER, number>>): void {
	const over = Object.entries(numbers).filter(([what, number]) => number > LEDGER[what as keyof typeof LEDGER]);
	assert.deepEqual(over, [], `expected at most ${JSON.stringify(LEDGER)}`);
}

test("the ledger: lines, fields and subcommands", (t) => {
	const files = globSync("src/**/*.ts", { cwd: root });
	const core = files.filter((file) => /^src\/(supervisor|job)\//.test(file));
	const numbers = {
		"lines of src/": linesOf(files),
		"files of src/": files.length,
		"lines of src/supervisor/ and src/job/": linesOf(core),
		"lines of README.md": linesOf(["README.md"]),
		"fields of the configuration": countFields(JSON.parse(readFileSync(join(root, "dist/schema.json"), "utf8"))),
		subcommands: SUBCOMMANDS.length,
	};
	t.diagnostic(JSON.stringify(numbers));
	hold(numbers);
});

function linesOf(files: readonly string[]): number {
	return files.reduce((sum, file) => sum + readFileSync(join(root, file), "utf8").trimEnd().split("\n").length, 0);
}

/** Names of all properties in a JSON Schema. A name that two kinds of job share counts once. */
function countFields(schema: unknown): number {
	const names = new Set<string>();
	const visit = (value: unknown): void => {
		if (typeof value !== "object" || value === null) return;
		const { properties } = value as { properties?: object };
		for (const name of Object.keys(properties ?? {})) names.add(name);
		for (const inner of Object.values(value)) visit(inner);
	};
	visit(schema);
	names.delete("$schema");
	return names.size;
}

test("the ledger: what npm install brings", async (t) => {
	using project = await PackageProject.install({ "package.json": JSON.stringify({ name: "project" }) });
	const modules = join(project.path, "node_modules");
	const manifests = globSync(["*/package.json", "@*/*/package.json"], { cwd: modules });
	const files = globSync("**", { cwd: modules, withFileTypes: true }).filter((entry) => entry.isFile());
	const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
	const numbers = {
		"packages that npm install brings": manifests.length,
		"MB that npm install brings": Math.round(bytes / 1e5) / 10,
	};
	t.diagnostic(JSON.stringify(numbers));
	hold(numbers);
});

test("the ledger: what is loaded", async (t) => {
	const job = { thread: fixture("returning"), essential: false };
	using copy = makeDirectory({
		"package.json": '{"type": "module"}',
		"lastcall.config.json": JSON.stringify({ jobs: { a: job, b: job } }),
		"app.mjs": "",
		"stopped.mjs": 'import { onStop } from "./dist/index.js"; onStop("it", () => {}); process.exit();',
	});
	const dist = join(copy.path, "dist");
	cpSync(join(root, "dist"), dist, { recursive: true });
	const main = join(dist, "main.cjs");
	const config = join(copy.path, "lastcall.config.json");
	const program = await loaded(dist, [main, "--", "true"]);
	const run = await loaded(dist, [main, "run", config]);
	const register = await loaded(dist, [`--import=${join(dist, "register.js")}`, join(copy.path, "app.mjs")]);
	const onStop = await loaded(dist, [join(copy.path, "stopped.mjs")]);
	const numbers = {
		"KB that lastcall -- true loads": program.kb,
		"files that lastcall -- true loads": program.files.length,
		"KB that run with two threads loads": run.kb,
		"files that run with two threads loads": run.files.length,
		"KB that lastcall/register loads": register.kb,
		"files that lastcall/register loads": register.files.length,
		"KB that an app with onStop() loads": onStop.kb,
		"KB that a thread loads": kilobytes([join(dist, "thread-entry.cjs")]),
		"KB of rehearse, which nothing else loads": kilobytes([join(dist, REHEARSE)]),
	};
	t.diagnostic(JSON.stringify({ ...numbers, files: { program, run, register, onStop } }));
	assert.ok(run.files.includes("thread-entry.cjs"));
	for (const { files } of [program, run, register, onStop]) assert.ok(!files.includes(REHEARSE));
	hold(numbers);
});

/** Which files of dist/ a command reads: the kernel dates the access of each (also with `relatime`, for a date before the last change). */
async function loaded(dist: string, command: readonly string[]) {
	const all = globSync("**/*.{js,cjs,bytecode}", { cwd: dist }).map((file) => join(dist, file));
	for (const file of all) utimesSync(file, 0, statSync(file).mtime);
	await must(process.execPath, command, { env: { LASTCALL_SOCKET: "" } });
	const read = all.filter((file) => statSync(file).atimeMs > 0);
	assert.ok(read.length > 0, "the file system keeps dates of access");
	return { files: read.map((file) => relative(dist, file)), kb: kilobytes(read) };
}

function kilobytes(files: readonly string[]): number {
	return Math.round(files.reduce((sum, file) => sum + statSync(file).size, 0) / 100) / 10;
}
