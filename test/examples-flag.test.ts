/** The examples in other languages: their flag is lastcall's, and they get no signal. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../scripts/lib/paths.ts";
import { makeDirectory } from "./helpers/directory.ts";
import { needs } from "./helpers/inits.ts";
import { startNode } from "./helpers/lastcall.ts";
import { MAIN } from "./helpers/main.ts";

test(
	"examples/python: two threads of Python see lastcall's flag, and are joined by name",
	needs("python3"),
	async () => {
		await using lastcall = await startNode([MAIN, "run", join(root, "examples/python/lastcall.config.yaml")]);
		for (const name of ["resize", "mail"]) await lastcall.lines.waitFor(new RegExp(`^Thread ${name} started$`));
		lastcall.kill("SIGTERM");
		assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
		assert.deepEqual(lastcall.event("job.exited", "python").exit, { outcome: "exited", code: 0 });
		const lines = lastcall.lines.all.filter((line) => /^(Thread .* stopped|Joined|Exiting)/.test(line));
		assert.deepEqual(lines.toSorted(), [
			"Exiting main program",
			...["Joined mail", "Joined resize", "Thread mail stopped", "Thread resize stopped"],
		]);
		assert.equal(lines.at(-1), "Exiting main program");
	},
);

test("examples/c: a program in C sleeps until its flag is raised", needs("gcc"), async () => {
	using folder = makeDirectory();
	cpSync(join(root, "examples/c"), folder.path, { recursive: true });
	execFileSync("gcc", ["-Wall", "-Werror", "-o", "job", "job.c"], { cwd: folder.path, timeout: 60_000 });
	await using lastcall = await startNode([MAIN, "run", join(folder.path, "lastcall.config.yaml")]);
	await lastcall.lines.waitFor(/^At work$/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.deepEqual(lastcall.event("job.exited", "c").exit, { outcome: "exited", code: 0 });
	assert.match(lastcall.lines.text, /^Clean shutdown$/m);
});
