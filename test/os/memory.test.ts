import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lastcall as cli } from "../helpers/cli.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { until } from "../helpers/until.ts";

const timeout = 60_000;

/** Whether a thread of `lastcall run` gets a large block from the kernel when another has been given back. */
async function fromKernel(env: NodeJS.ProcessEnv): Promise<string | undefined> {
	const config = { jobs: { blocks: { thread: fixture("large-blocks") } } };
	await using lastcall = await startLastcall(config, { env });
	const line = await lastcall.lines.waitFor(/^from the kernel: (\w+)$/, {
		timeout,
	});
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
	await using lastcall = await startLastcall({ jobs });
	const { lines, pid, socket } = lastcall;
	await lines.waitFor(/^gc is undefined$/, { timeout });
	const start = privateDirty(pid);
	await until(
		() => privateDirty(pid) < start - 1024,
		`less than ${start - 1024} KiB are private dirty`,
		timeout,
	);
	const from = lines.all.length;
	await cli(["restart", "globals", "--socket", socket]);
	await lines.waitFor(/^gc is undefined$/, { from, timeout });
});

/** KiB. */
function privateDirty(pid: number): number {
	const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
	return Number(/^Private_Dirty: +(\d+)/m.exec(rollup)?.[1]);
}
