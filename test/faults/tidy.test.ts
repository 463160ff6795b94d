/**
 * What is given back after the start. Here because it needs a machine with time for us: two seconds after the start everything is
 * collected, and where the start takes longer than that there is less to collect.
 */
import { test } from "node:test";
import { lastcall as cli } from "../helpers/cli.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { privateDirty } from "../helpers/memory.ts";
import { until } from "../helpers/until.ts";

test("tidyAfterStart() gives a megabyte back, and leaves threads no gc()", async () => {
	const jobs = { globals: { thread: fixture("globals") } };
	// With the sources in a cache the start needs less.
	const env = { NODE_DISABLE_COMPILE_CACHE: "1" };
	await using lastcall = await startLastcall({ jobs }, { env });
	const { lines, pid, socket } = lastcall;
	// The job says it itself: on a starved machine we would look too late.
	const line = await lines.waitFor(/^gc is undefined, \d+ KiB are private$/);
	const start = Number(/\d+/.exec(line));
	await until(() => privateDirty(pid) < start - 1024, `less than ${start - 1024} KiB are private dirty`);
	const from = lines.all.length;
	await cli(["restart", "globals", "--socket", socket]);
	await lines.waitFor(/^gc is undefined, /, { from });
});
