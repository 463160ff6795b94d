/** The log of the whole program when nobody reads it, or somebody reads it late. */
import assert from "node:assert/strict";
import { readFileSync, readSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt } from "../../src/base/errors.ts";
import { openFifo } from "../helpers/fifo.ts";
import { fixture, startLastcall } from "../helpers/lastcall.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

const BUFFER = Buffer.alloc(64 * 1024);

/** What the pipe holds at the moment. */
function readAvailable(fd: number): string {
	let text = "";
	for (;;) {
		const bytes = attempt(() => readSync(fd, BUFFER)) ?? 0;
		if (bytes === 0) return text;
		text += BUFFER.toString("utf8", 0, bytes);
	}
}

test("a log that nobody reads delays neither the jobs' stop nor the exit", async () => {
	using fifo = openFifo();
	await using lastcall = await startLastcall(
		{
			stopTimeout: "1h",
			jobs: {
				flood: { thread: fixture("flood"), readiness: "notify" },
				good: { thread: fixture("waiting"), readiness: "notify" },
			},
		},
		{ stdout: fifo.writer },
	);
	await untilBlocked(lastcall.pid, "flood");
	lastcall.kill("SIGTERM");
	// The flood job waits for room until its flag goes up; then it may not wait any more: it would for most of an hour.
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("a log that is read late is complete, its last line included", async () => {
	using fifo = openFifo();
	await using lastcall = await startLastcall(
		{ jobs: { chatty: { thread: fixture("chatty"), readiness: "notify", data: 20_000, stopTimeout: "100ms" } } },
		{ stdout: fifo.writer },
	);
	await untilBlocked(lastcall.pid, "chatty");
	let text = "";
	await until(() => {
		text += readAvailable(fifo.reader);
		return text.includes('"event":"job.ready"');
	}, "the job is ready");
	lastcall.kill("SIGTERM");
	await until(() => {
		text += readAvailable(fifo.reader);
		return lastcall.lines.ended;
	}, "the program has ended");
	text += readAvailable(fifo.reader);
	const lines = text.trimEnd().split("\n");
	assert.equal(lines.filter((line) => /^line \d+$/.test(line)).length, 20_000);
	assert.match(lines.at(-1) ?? "", /Exiting main program with code 124/);
});

/** No reader that takes nothing for longer is waited for: src/config/stop-timeout.ts. */
const STALL_MS = 500;

test("a reader that is starved while the program ends gets every line, if there is time", async () => {
	let away = Number.POSITIVE_INFINITY;
	// If this process was starved itself, and was away for too long, the run says nothing.
	for (let tries = 0; tries < 20 && away > STALL_MS * 0.8; tries++) {
		const run = await readAfter(200);
		away = run.away;
		if (away > STALL_MS * 0.8) continue;
		const lines = run.text.trimEnd().split("\n");
		const logged = lines.filter((line) => /"msg":"\d+"/.test(line));
		assert.equal(logged.length, 20_000);
		assert.match(lines.at(-1) ?? "", /Exiting main program with code 0/);
	}
	assert.ok(away <= STALL_MS * 0.8, `away for ${away} ms each time`);
});

/** Reads nothing from the end of the job until so much later. Returns all the text, and for how long nothing was read. */
async function readAfter(ms: number): Promise<{ text: string; away: number }> {
	using fifo = openFifo();
	await using lastcall = await startLastcall(
		{ jobs: { it: { command: ["seq", "20000"], output: "log" } } },
		{ stdout: fifo.writer },
	);
	let text = "";
	await until(() => {
		text += readAvailable(fifo.reader);
		return text.includes('"msg":"1"');
	}, "the job has begun");
	const { pid } = lastcall;
	const children = `/proc/${pid}/task/${pid}/children`;
	let seen = performance.now();
	await until(() => {
		const now = performance.now();
		if (readFileSync(children, "utf8") === "") return true;
		seen = now;
		return false;
	}, "the job has ended");
	await sleep(ms);
	text += readAvailable(fifo.reader);
	const away = performance.now() - seen;
	await until(() => {
		text += readAvailable(fifo.reader);
		return lastcall.lines.ended;
	}, "the program has ended");
	return { text: text + readAvailable(fifo.reader), away };
}
