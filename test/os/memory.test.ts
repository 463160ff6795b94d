import assert from "node:assert/strict";
import { test } from "node:test";
import { lastcall as cli } from "../helpers/cli.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { privateDirty } from "../helpers/memory.ts";
import { until } from "../helpers/until.ts";

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
	assert.equal(await fromKernel({}), "true");
});

test("returnLargeBlocks() leaves an allocator alone that somebody has tuned", async () => {
	const tuned = { GLIBC_TUNABLES: "glibc.malloc.arena_max=4" };
	assert.equal(await fromKernel(tuned), "false");
});

test("tidyAfterStart() gives a megabyte back, and leaves threads no gc()", async () => {
	const jobs = { globals: { thread: fixture("globals") } };
	// With the sources in a cache the start needs less.
	const env = { NODE_DISABLE_COMPILE_CACHE: "1" };
	await using lastcall = await startLastcall({ jobs }, { env });
	const { lines, pid, socket } = lastcall;
	// The job says it itself: on a starved machine we would look too late.
	const line = await lines.waitFor(/^gc is undefined, \d+ KiB are private$/);
	const start = Number(/\d+/.exec(line));
	await until(
		() => privateDirty(pid) < start - 1024,
		`less than ${start - 1024} KiB are private dirty`,
	);
	const from = lines.all.length;
	await cli(["restart", "globals", "--socket", socket]);
	await lines.waitFor(/^gc is undefined, /, { from });
});
