import assert from "node:assert/strict";
import { test } from "node:test";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { onMusl } from "../helpers/musl.ts";

/** Whether a thread of `lastcall run` gets a large block from the kernel when another has been given back. */
async function fromKernel(env: NodeJS.ProcessEnv): Promise<string | undefined> {
	const config = { jobs: { blocks: { thread: fixture("large-blocks") } } };
	await using lastcall = await startLastcall(config, { env });
	const line = await lastcall.lines.waitFor(/^from the kernel: (\w+)$/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	return line.split(": ").at(-1);
}

test("returnLargeBlocks() keeps large blocks out of the allocator's arenas", async () => {
	// musl has no arenas, and no mallopt(3): there the init only has to go on.
	assert.equal(await fromKernel({}), onMusl ? "false" : "true");
});

test("returnLargeBlocks() leaves an allocator alone that somebody has tuned", async () => {
	const tuned = { GLIBC_TUNABLES: "glibc.malloc.arena_max=4" };
	assert.equal(await fromKernel(tuned), "false");
});
