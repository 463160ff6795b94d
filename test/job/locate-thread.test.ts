/** Where a thread is, asked from the main thread while it is there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Whereabouts } from "../../src/job/job.ts";
import { describeWhereabouts } from "../../src/observe/describe.ts";
import { readProfile } from "../../src/os/processes/locate-thread.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { onMusl } from "../helpers/musl.ts";
import { startThreadJob } from "../helpers/thread-job.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
/** Older ones cannot profile a thread. */
const profiles = major > 24 || (major === 24 && minor >= 8);

/** Far more than any look takes. An init has less time, and then tells what the kernel knows. */
const LONG_MS = 60_000;

/** Looks until the profiler has caught the thread while it had a processor. */
async function whereIs(name: string): Promise<Whereabouts> {
	await using thread = await startThreadJob(name);
	let where: Whereabouts | undefined;
	await until(async () => {
		where = await thread.job.locate(LONG_MS);
		return where !== undefined && where.type !== "native";
	}, `it is seen where thread ${name} is`);
	return where as Whereabouts;
}

test("locateThread() names function, file and line of JavaScript that runs", { skip: !profiles }, async () => {
	const where = await whereIs("spinning");
	assert.ok(where.type === "javascript", JSON.stringify(where));
	const [frame] = where.stack;
	// V8 may not know the function whose loop it has optimized while it ran; then its caller, at the line of the call or its own first one.
	const place = `${frame?.function}:${frame?.line}`;
	const places = ["work:5", "spinning:8", "spinning:10"];
	assert.ok(places.includes(place), JSON.stringify(where));
	assert.equal(frame?.file, fixture("spinning"));
});

test("locateThread() names the job's file where its own function is all there is", { skip: !profiles }, async () => {
	const where = await whereIs("busy");
	assert.ok(where.type === "javascript", JSON.stringify(where));
	assert.equal(where.stack[0]?.file, fixture("busy"));
});

test("locateThread() says that a thread waits for something asynchronous", { skip: !profiles }, async () => {
	assert.deepEqual(await whereIs("idle"), { type: "idle", waitsFor: {} });
});

test("locateThread() is told by a thread that waits what is open in it", { skip: !profiles }, async () => {
	const where = await whereIs("open");
	assert.ok(where.type === "idle", JSON.stringify(where));
	// Both ends of the connection are this thread's.
	assert.deepEqual(where.waitsFor, { TCPServerWrap: 1, TCPSocketWrap: 2, Timeout: 1 });
	assert.match(describeWhereabouts(where), /^waiting for something asynchronous, open: .*2 × TCPSocketWrap/);
});

/** What the report of a stop says of a job that is late. */
async function reportedOf(job: string, { blocked = false } = {}): Promise<Whereabouts | undefined> {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: { [job]: { thread: fixture(job), readiness: "notify", stopTimeout: "500ms" } },
	});
	await lastcall.waitFor("job.ready", job);
	if (blocked) await untilBlocked(lastcall.pid, job);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124);
	const { report } = lastcall.event("stop.finished");
	return report.jobs[0]?.killed?.where;
}

test("locateThread() tells the report where JavaScript runs, or that the thread got no processor to answer in time", {
	skip: !profiles,
}, async () => {
	const where = await reportedOf("spinning");
	assert.ok(
		where?.type === "javascript"
			? where.stack[0]?.file === fixture("spinning")
			: where?.type === "native" && where.state === "R",
		JSON.stringify(where),
	);
});

test("locateThread() names the system call of native code", async () => {
	const where = await reportedOf("native", { blocked: true });
	assert.ok(where?.type === "native", JSON.stringify(where));
	assert.equal(where.state, "S");
	assert.equal(where.call, onMusl ? "open" : "openat");
});

test("readProfile() takes the stack that was seen most often, and the line that was", () => {
	const frame = (functionName: string, lineNumber: number) => ({ functionName, url: "file:///app/job.js", lineNumber });
	const nodes = [
		{ id: 1, callFrame: frame("(root)", -1), children: [2, 3] },
		{ id: 2, callFrame: frame("(garbage collector)", -1) },
		{ id: 3, callFrame: frame("job", 4), children: [4] },
		{
			id: 4,
			callFrame: frame("", 9),
			positionTicks: [
				{ line: 12, ticks: 1 },
				{ line: 11, ticks: 4 },
			],
		},
	];
	assert.deepEqual(readProfile({ nodes, samples: [2, 2, 2, 2, 4, 3, 4, 4] }), {
		type: "javascript",
		stack: [
			{ function: "(anonymous)", file: "/app/job.js", line: 11 },
			{ function: "job", file: "/app/job.js", line: 5 },
		],
	});
	assert.equal(readProfile({ nodes, samples: [2, 2] }), undefined);
});
