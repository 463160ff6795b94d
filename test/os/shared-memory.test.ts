import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lib/command.ts";
import { BINDINGS, WITHOUT_BINDING } from "../helpers/bindings.ts";

const PROGRAM = join(import.meta.dirname, "../fixtures/shared-memory.ts");

for (const [binding, flags] of BINDINGS)
	test(`shared memory through ${binding} is sealed; a process that waits in it wakes when the word has changed, and not before; it is given back`, async () => {
		const { stdout, stderr } = await run(process.execPath, ["--expose-gc", ...flags, PROGRAM]);
		assert.equal(stderr, "");
		assert.deepEqual(JSON.parse(stdout), {
			binding,
			zeros: true,
			sealed: ["EPERM", "EPERM"],
			before: "waiting\n",
			child: JSON.stringify({ tooLong: true, word: 7, inTime: true }),
		});
	});

test("createSharedMemory() returns nothing without a binding", async () => {
	const { stderr } = await run(process.execPath, [...WITHOUT_BINDING, PROGRAM]);
	assert.match(stderr, /found no memory/);
});
