import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { buildSync } from "esbuild";
import { attempt } from "../../src/base/errors.ts";
import { needsArm64, nodeForArm64 } from "../helpers/arm64.ts";
import { BINDINGS } from "../helpers/bindings.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { openFifo } from "../helpers/fifo.ts";

const PROGRAM = join(import.meta.dirname, "../fixtures/guard.ts");

/** Runs the fixture to its end, which only the guard can bring. */
async function end(
	how: string,
	nodeFlags: readonly string[] = [],
	program = PROGRAM,
	[node = "", ...wrapped]: readonly string[] = [process.execPath],
) {
	using fifo = openFifo();
	const child = spawn(node, [...wrapped, ...nodeFlags, program, how], {
		// Nobody writes to its standard input.
		stdio: ["pipe", "ignore", fifo.writer],
		timeout: 60_000,
		killSignal: "SIGKILL",
	});
	const [code, signal] = await once(child, "exit");
	child.stdin?.destroy();
	const said = Buffer.alloc(1024);
	const length = attempt(() => readSync(fifo.reader, said)) ?? 0;
	return { end: code ?? signal, said: said.toString("utf8", 0, length) };
}

for (const [binding, nodeFlags] of BINDINGS)
	suite(`guard() through ${binding}`, () => {
		for (const where of ["javascript", "native"])
			test(`says its last words and ends a process that is blocked: ${where}`, async () => {
				assert.deepEqual(await end(where, nodeFlags), { end: 124, said: "these words\n" });
			});

		test("ends it though standard error is a full pipe", async () => {
			assert.equal((await end("full", nodeFlags)).end, 124);
		});

		test("leaves time after a freeze that lasted beyond its moment", async () => {
			assert.deepEqual(await end("frozen", nodeFlags), { end: 124, said: "alive after the thaw\nthese words\n" });
		});

		test("can be armed again", async () => {
			assert.equal((await end("disarmed", nodeFlags)).end, 124);
		});
	});

test("where no page with code can be had, guard() ends the process with the signal's number, without a word", async (t) => {
	// Without a compiler of its own Node.js takes no TypeScript either.
	using directory = makeDirectory();
	const outfile = join(directory.path, "guard.mjs");
	// The bundle looks for koffi beside itself.
	symlinkSync(join(import.meta.dirname, "../../node_modules"), join(directory.path, "node_modules"));
	const options = { bundle: true, platform: "node", format: "esm" } as const;
	buildSync({ ...options, entryPoints: [PROGRAM], outfile });
	const { end: code, said } = await end("no code", ["--jitless"], outfile);
	if (code === 77) return t.skip("PR_SET_MDWE needs Linux 6.3");
	assert.deepEqual({ code, said }, { code: 51, said: "" });
});

// On arm64 the tests above run that code.
if (process.arch !== "arm64")
	test("says its last words and ends the process on arm64, too, as qemu has it", needsArm64(), async () => {
		assert.deepEqual(await end("javascript", [], PROGRAM, nodeForArm64()), { end: 124, said: "these words\n" });
	});
