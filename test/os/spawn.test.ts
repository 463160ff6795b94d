/** The start of the foreground program, while other threads of the same process go on. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { foreignFunctions } from "../../src/os/ffi/ffi.ts";
import { spawnProgram } from "../../src/os/spawn/spawn.ts";

const OPEN_AND_CLOSE = join(import.meta.dirname, "../fixtures/open-and-close.ts");
const STARTS = 300;

test("a descriptor that another thread closes meanwhile does not fail the start", async (t) => {
	const ffi = foreignFunctions();
	assert.ok(ffi);
	const worker = new Worker(OPEN_AND_CLOSE);
	t.after(() => worker.terminate());
	await once(worker, "message");
	const results = Array.from({ length: STARTS }, () =>
		// Nothing is started, so that there is no child to collect.
		spawnProgram(ffi, { command: ["/nonexistent"], apart: "none" }),
	);
	for (const result of results) assert.deepEqual(result, { errno: constants.errno.ENOENT });
});
