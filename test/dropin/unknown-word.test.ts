/** A first word that is no subcommand: a program if there is one of that name, else perhaps a mistyped subcommand. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { WITHOUT_BINDING } from "../helpers/bindings.ts";
import { makeDirectory, type TestDirectory } from "../helpers/directory.ts";
import { ours, runInit } from "../helpers/inits.ts";

const lastcall = ours("lastcall");
const OTHERS = ["tini", "docker-init", "dumb-init", "lastcall-init"];
/** Nothing is found on PATH. */
const NOWHERE = { PATH: "/nonexistent" };

/** Not PID 1: there init warns of orphans. */
async function run(
	args: readonly string[],
	{ init = lastcall, env = NOWHERE }: { init?: typeof lastcall; env?: object } = {},
) {
	return await runInit(init, args, { asInit: false, env: { ...env } });
}

function didYouMean(word: string, command: string): string {
	return `lastcall: Cannot run "${word}": found no such program, did you mean "lastcall ${command}"? (For a program of that name: lastcall -- ${word})\n`;
}

/** A directory with these scripts, and a PATH of it alone. */
function scripts(files: Readonly<Record<string, string>>): TestDirectory & { env: { PATH: string } } {
	const directory = makeDirectory(files);
	for (const name of Object.keys(files)) chmodSync(join(directory.path, name), 0o755);
	return { ...directory, env: { PATH: directory.path } };
}

suite("close to a subcommand, and no program", () => {
	for (const [word, command] of [
		["statsu", "status"],
		["rn", "run"],
		["rnu", "run"],
		["chcek", "check"],
		["sotp", "stop"],
		["restrat", "restart"],
		["signl", "signal"],
		["hlep", "help"],
	] as const)
		test(`${word}: one line, and 2`, async () => {
			for (const more of [[], ["--json", "web"]])
				assert.deepEqual(await run([word, ...more]), { code: 2, stdout: "", stderr: didYouMean(word, command) });
		});

	test("also where nothing reaches the C library, and with -vvv from the environment", async () => {
		const init = ours("lastcall", { nodeFlags: WITHOUT_BINDING });
		const env = { ...NOWHERE, LASTCALL_VERBOSITY: "4" };
		for (const options of [{ init }, { env }])
			assert.deepEqual(await run(["statsu"], options), { code: 2, stdout: "", stderr: didYouMean("statsu", "status") });
	});
});

test("a program that is there is run, however close its name is", async () => {
	const text = '#!/bin/sh\necho "$0 $*"\nexit 7\n';
	const names = ["statsu", "bun", "top", "rn"];
	using programs = scripts(Object.fromEntries(names.map((name) => [name, text])));
	for (const name of names) {
		const found = await run([name, "x"], programs);
		assert.equal(found.stdout, `${programs.path}/${name} x\n`);
		assert.equal(found.code, 7);
	}
});

test("a program that is there, but not its interpreter, is no mistyped word", async () => {
	using programs = scripts({ statsu: "#!/nonexistent\n" });
	const { code, stderr } = await run(["statsu"], programs);
	assert.equal(code, 127);
	assert.match(stderr, /^\[FATAL lastcall \(\d+\)\] exec statsu failed: No such file or directory\n$/);
});

test("neither close nor a program: one line, and 127", async () => {
	for (const word of ["nonexistent", "begin", "s", "", "-"])
		assert.deepEqual(await run([word, "status"]), {
			code: 127,
			stdout: "",
			stderr: `lastcall: Cannot run "${word}": found no such program; lastcall --help lists the commands\n`,
		});
});

test("a word with a line end in it stays on its line", async () => {
	const { code, stderr } = await run(["run\n"]);
	assert.equal(code, 2);
	assert.equal(stderr.split("\n").length, 2, stderr);
});

test("behind flags or --, or with a slash, a word is a program: one line, and 127", async () => {
	for (const args of [
		["--", "statsu"],
		["-g", "statsu"],
		["-s", "--", "statsu"],
		["--", "init"],
		["./statsu"],
		["/nonexistent/run"],
	]) {
		const { code, stdout, stderr } = await run(args);
		assert.deepEqual([code, stdout], [127, ""], args.join(" "));
		assert.match(stderr, /^\[FATAL lastcall \(\d+\)\] exec \S+ failed: No such file or directory\n$/);
	}
});

test("init is a command of ours, though there is such a program", async () => {
	using programs = scripts({ init: "#!/bin/sh\necho started\n" });
	const { code, stdout, stderr } = await run(["init", "no-such-file"], programs);
	assert.deepEqual([code, stdout], [2, ""]);
	assert.match(stderr, /^lastcall: Cannot read no-such-file: /);
	assert.equal((await run(["--", "init"], programs)).stdout, "started\n");
});

suite("under another name every first word is a program", () => {
	for (const name of OTHERS) {
		const init = ours(name);
		test(name, async () => {
			using programs = scripts({ init: "#!/bin/sh\necho started\n" });
			const found = await run(["init"], { init, ...programs });
			assert.deepEqual([found.code, found.stdout], [0, "started\n"]);
			const { code, stderr } = await run(["statsu"], { init });
			assert.equal(code, name === "dumb-init" ? 2 : 127);
			assert.match(stderr, /statsu.*: No such file or directory\n$/);
			assert.doesNotMatch(stderr, /did you mean|--help/);
			if (name !== "dumb-init") assert.match(stderr, /zombie reaping/);
		});
	}
});
