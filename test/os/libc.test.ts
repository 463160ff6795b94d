import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lib/command.ts";
import type { LibcTask } from "../fixtures/libc.ts";
import { BINDINGS } from "../helpers/bindings.ts";

const PROGRAM = join(import.meta.dirname, "../fixtures/libc.ts");

for (const [name, flags] of BINDINGS) {
	/** What the fixture program prints, and how it ends. */
	async function perform(task: LibcTask): Promise<[unknown, number]> {
		const args = [...flags, PROGRAM, task];
		const { stdout, stderr, code } = await run(process.execPath, args);
		assert.equal(stderr, "");
		return [JSON.parse(stdout), code];
	}

	test(`libc() through ${name} is the binding that loads here, and does so in silence`, async () => {
		assert.deepEqual(await perform("binding"), [name, 0]);
	});

	test(`Libc.peekZombie() through ${name} shows without collecting, Libc.reap() collects code and signal`, async () => {
		const [result] = await perform("reap");
		assert.deepEqual(result, {
			nobody: 0,
			peeksSame: true,
			afterPeeks: [true, true],
			status: { exits: 7, dies: 9 },
			gone: true,
			nobodyAgain: 0,
			reapedTwice: null,
			notOurs: null,
			living: null,
		});
	});

	test(`Libc.peekZombie() through ${name} does not see what a thread has spawned`, async () => {
		assert.deepEqual(await perform("thread's child"), [{ seen: 0 }, 0]);
	});

	test(`Libc.becomeSubreaper() through ${name} brings orphans to us`, async () => {
		const [result] = await perform("subreaper");
		assert.deepEqual(result, { before: false, became: true, after: true });
	});

	test(`Libc._exit() through ${name} ends the process while a thread is stuck in native code`, async () => {
		assert.deepEqual(await perform("exit under a stuck thread"), ["leaving", 9]);
	});
}
