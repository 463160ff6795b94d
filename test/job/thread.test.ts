import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { JobExit } from "../../src/job/job.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { startThreadJob } from "../helpers/thread-job.ts";

/** Runs a job that ends badly beside one that waits, and checks that only the bad one suffers. */
async function outcomeOf(file: string, job: object = {}): Promise<{ exit: JobExit; code: number }> {
	await using lastcall = await startLastcall({
		jobs: { good: { thread: fixture("waiting"), readiness: "notify" }, bad: { thread: file, ...job } },
	});
	const { code } = await lastcall.exit();
	assert.match(lastcall.lines.text, /good: clean shutdown/);
	assert.equal(lastcall.event("job.exited", "good").exit.outcome, "finished", lastcall.lines.text);
	const { reason } = lastcall.event("stop.requested");
	assert.deepEqual(reason.type === "job" && reason.job, "bad");
	return { exit: lastcall.event("job.exited", "bad").exit, code };
}

function errorOf(exit: JobExit): string {
	return "error" in exit ? `${exit.error.name}: ${exit.error.message}` : "";
}

test("ThreadJob that throws has failed, with its error", async () => {
	const { exit, code } = await outcomeOf(fixture("throwing"));
	assert.equal(exit.outcome, "failed");
	assert.equal(errorOf(exit), "TypeError: no such queue");
	assert.match(
		("error" in exit && exit.error.stack) || "",
		/throwing\.ts:2:8/,
		"the stack shows the line of the TypeScript source",
	);
	assert.equal(code, 1);
});

test("ThreadJob with an error of three million characters has failed, and the log says so", async () => {
	const { exit, code } = await outcomeOf(fixture("verbose"));
	assert.match(errorOf(exit) ?? "", /^Error: x{16384}… \(2983616 more/);
	assert.equal(code, 1);
});

test("ThreadJob that calls ready() is said to be ready once: at its start without readiness, at the call with notify", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			silent: { thread: fixture("evaluating"), data: "context.ready()", essential: false },
			notify: { thread: fixture("evaluating"), data: "context.ready()", readiness: "notify", essential: false },
		},
	});
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	const said = (job: string) => [
		lastcall.event("job.started", job).ready,
		lastcall.events.filter((event) => event.type === "job.ready" && event.job === job).length,
	];
	assert.deepEqual(
		[said("silent"), said("notify")],
		[
			[true, 0],
			[false, 1],
		],
	);
});

for (const data of ["bare", "reason", "cause"])
	test(`ThreadJob that lets the abort of its raised flag escape (${data}) has finished`, async () => {
		const { exit, code, text } = await stopped(data);
		assert.deepEqual(exit, { outcome: "finished" });
		assert.equal(code, 0);
		assert.match(text, /^cleaned up$/m);
	});

test("ThreadJob that fails for another reason after its flag was raised has failed", async () => {
	const { exit, code } = await stopped("other");
	assert.equal(errorOf(exit), "Error: the disk is full");
	assert.equal(code, 1);
});

async function stopped(data: string) {
	await using lastcall = await startLastcall({
		jobs: { it: { thread: fixture("aborting"), readiness: "notify", data } },
	});
	await lastcall.waitFor("job.ready", "it");
	lastcall.kill("SIGTERM");
	const { code } = await lastcall.exit();
	const { exit } = lastcall.event("job.exited", "it");
	return { exit, code, text: lastcall.lines.text };
}

test("ThreadJob that leaves a rejection unhandled has failed", async () => {
	const { exit, code } = await outcomeOf(fixture("rejecting"));
	assert.equal(exit.outcome, "failed");
	assert.equal(errorOf(exit), "Error: nobody awaits me");
	assert.equal(code, 1);
});

test("ThreadJob that calls process.exit() ends alone, and gives the program its code", async () => {
	const { exit, code } = await outcomeOf(fixture("exiting"));
	assert.deepEqual(exit, { outcome: "exited", code: 7 });
	assert.equal(code, 7);
});

test("ThreadJob over its resourceLimits has run out of memory", async () => {
	const { exit, code } = await outcomeOf(fixture("hungry"), { resourceLimits: { maxOldGenerationSizeMb: 20 } });
	assert.equal(exit.outcome, "out-of-memory");
	assert.equal(code, 1);
});

test("ThreadJob loads the logger only for a job that logs", async () => {
	await using lastcall = await startLastcall({ jobs: { it: { thread: fixture("loading") } } });
	await lastcall.exit();
	assert.match(lastcall.lines.text, /"before":false,"after":true/);
});

test("ThreadJob that returns has finished, whatever handles it left open", async () => {
	const { exit, code } = await outcomeOf(fixture("returning"));
	assert.deepEqual(exit, { outcome: "finished" });
	assert.equal(code, 0);
});

test("ThreadJob runs a file that TypeScript has compiled to CommonJS", async () => {
	await using lastcall = await startLastcall({ jobs: { it: { thread: fixture("compiled").replace(/ts$/, "cjs") } } });
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^it: at work$/m);
});

test("ThreadJob without a default export does not start", async () => {
	const { exit, code } = await outcomeOf(fixture("nothing"));
	assert.equal(exit.outcome, "not-started");
	assert.match(errorOf(exit), /found no default export, expected the job's/);
	assert.equal(code, 1);
});

test("ThreadJob whose import fails does not start", async () => {
	const { exit, code } = await outcomeOf(fixture("broken"));
	assert.equal(exit.outcome, "not-started");
	assert.match(errorOf(exit), /does-not-exist\.ts/);
	assert.equal(code, 1);
});

test("ThreadJob with a syntax error does not start, and its file is named", async (t) => {
	const directory = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	t.after(() => rmSync(directory, { recursive: true }));
	const file = join(directory, "syntax-error.ts");
	writeFileSync(file, "export default function (\n");
	const { exit, code } = await outcomeOf(file);
	assert.equal(exit.outcome, "not-started");
	assert.match(errorOf(exit), /syntax-error\.ts/);
	assert.equal(code, 1);
});

test("ThreadJob gets name, id, a copy of its data, its environment, and a logger that names it", async () => {
	await using lastcall = await startLastcall(
		{ jobs: { curious: { thread: fixture("context"), data: { queue: ["a", "b"] }, env: { ONLY_HERE: "yes" } } } },
		{ env: { FROM_OUTSIDE: "too" } },
	);
	assert.equal((await lastcall.exit()).code, 0);
	const line = lastcall.lines.all.find((text) => text.includes('"context"'));
	assert.ok(line, lastcall.lines.text);
	const { time, ...record } = JSON.parse(line);
	assert.match(time, /^\d{4}-\d\d-\d\dT/);
	assert.deepEqual(record, {
		level: "info",
		job: "curious",
		id: lastcall.event("job.started", "curious").id,
		data: { queue: ["a", "b"] },
		env: ["yes", "too"],
		msg: "context",
	});
});

test("ThreadJob killed in the turn in which it printed 10,000 lines loses none of them", async () => {
	await using lastcall = await startLastcall({
		jobs: { chatty: { thread: fixture("chatty"), readiness: "notify", data: 10_000, stopTimeout: "100ms" } },
	});
	await lastcall.waitFor("job.ready", "chatty");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124);
	const printed = lastcall.lines.all.filter((line) => /^line \d+$/.test(line));
	assert.equal(printed.length, 10_000);
	assert.equal(printed.at(-1), "line 10000");
});

test("ThreadJob that is killed loses nothing of what it had held back and let go, and its order stays", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "2s",
		jobs: { it: { thread: fixture("corking"), readiness: "notify", stopTimeout: "100ms" } },
	});
	await lastcall.waitFor("job.ready", "it");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124);
	const printed = lastcall.lines.all.filter((line) => line.startsWith("it: "));
	assert.deepEqual(printed, ["it: one", "it: two", "it: three"]);
});

test("ThreadJob leaves standard output blocking for everybody else, and what is preloaded into it can print", async () => {
	await using lastcall = await startLastcall(
		{ jobs: { job: { thread: fixture("waiting"), readiness: "notify" } } },
		{ nodeFlags: ["--import", fixture("../print-in-thread")] },
	);
	await lastcall.waitFor("job.ready", "job");
	await lastcall.lines.waitFor(/^preloaded$/);
	const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/${lastcall.pid}/fdinfo/1`, "utf8"))?.[1];
	const O_NONBLOCK = 0o4000;
	assert.equal(Number.parseInt(flags ?? "", 8) & O_NONBLOCK, 0);
});

test("ThreadJob whose process.exit() code does not fit into eight bits still makes the program fail", async () => {
	const { exit, code } = await outcomeOf(fixture("exiting"), { data: 256 });
	assert.deepEqual(exit, { outcome: "exited", code: 256 });
	assert.equal(code, 1);
});

for (const logFormat of ["json", "pretty"])
	test(`ThreadJob that sends garbage and logs oddities (${logFormat}) harms nobody, not even itself`, async () => {
		await using lastcall = await startLastcall({
			logFormat,
			jobs: {
				garbage: { thread: fixture("garbage"), readiness: "notify" },
				good: { thread: fixture("waiting"), readiness: "notify" },
			},
		});
		await lastcall.lines.waitFor(/Job garbage is ready/);
		await lastcall.lines.waitFor(/Job good is ready/);
		lastcall.kill("SIGTERM");
		assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
		const { text } = lastcall.lines;
		assert.match(text, /good: clean shutdown/);
		assert.match(text, /garbage: clean shutdown/);
		assert.match(text, /odd again/);
		assert.equal(text.match(/Job garbage is ready/g)?.length, 1);
	});

test("ThreadJob that returns and then hangs in an exit listener was killed", async () => {
	await using thread = await startThreadJob("hanging-exit");
	thread.job.requestStop();
	await thread.lines.waitFor(/^hangs$/);
	assert.equal(thread.job.kill(), true);
	assert.equal((await thread.job.exited).outcome, "killed");
});

test("ThreadJob in an endless loop is ended by kill()", async () => {
	await using thread = await startThreadJob("busy");
	thread.job.requestStop();
	assert.equal(thread.job.kill(), true);
	assert.deepEqual(await thread.job.exited, { outcome: "killed" });
});

test("a thread in TypeScript fills the compile cache that the user has named", async () => {
	using cache = makeDirectory();
	await using lastcall = await startLastcall(
		{ jobs: { it: { thread: fixture("waiting"), readiness: "notify" } } },
		{ env: { NODE_COMPILE_CACHE: cache.path } },
	);
	await lastcall.waitFor("job.ready", "it");
	const files = readdirSync(cache.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	assert.ok(files.length > 0);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});
