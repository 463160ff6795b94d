/** Output "log" of process jobs. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LineLog } from "../../src/job/line-log.ts";
import { openFifo } from "../helpers/fifo.ts";
import { startLastcall } from "../helpers/lastcall.ts";
import { shell } from "../helpers/programs.ts";
import { type LogRecord, recordsOf } from "../helpers/records.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

/** Runs a script to its end, and returns what was logged of its output. */
async function logOf(script: string): Promise<LogRecord[]> {
	const job = { command: shell(script), output: "log" };
	await using lastcall = await startLastcall({ jobs: { it: job } });
	await lastcall.exit();
	return recordsOf(lastcall.lines.all, "it");
}

function node(script: string): string {
	return `exec '${process.execPath}' -e '${script}'`;
}

test("LineLog makes a record of each line, with job and stream", async () => {
	const records = await logOf('echo one; echo two >&2; printf "three\\r\\n"');
	const of = (stream: string) =>
		records.filter((r) => r.stream === stream).map(({ msg }) => msg);
	assert.deepEqual(of("stdout"), ["one", "three"]);
	assert.deepEqual(of("stderr"), ["two"]);
});

test("LineLog keeps a last line without its end", async () => {
	const records = await logOf("printf 'one\\ntwo'");
	assert.deepEqual(
		records.map(({ msg }) => msg),
		["one", "two"],
	);
});

test("LineLog makes several records of a very long line, and loses nothing of it", async () => {
	const records = await logOf(
		node('process.stdout.write("ä".repeat(1e6) + "\\nshort\\n")'),
	);
	const last = records.pop();
	assert.equal(last?.msg, "short");
	assert.equal(last?.partial, undefined);
	assert.equal(records.map(({ msg }) => msg).join(""), "ä".repeat(1e6));
	const partial = records.filter((record) => record.partial).length;
	assert.equal(partial, records.length - 1);
});

test("LineLog survives binary output", async () => {
	const records = await logOf("head -c 300000 /dev/urandom; echo; echo end");
	assert.equal(records.at(-1)?.msg, "end");
});

test("LineLog loses nothing of what was written before the exit", async () => {
	const records = await logOf("seq 1 20000");
	assert.equal(records.length, 20_000);
	assert.equal(records.at(-1)?.msg, "20000");
});

test("LineLog loses nothing of what was written before the exit when we are late ourselves", async () => {
	// The first lines stop the reading. The others come in two writes, which the pipe holds, so that the process can end.
	const script =
		"seq 5000; read go; seq 5001 25000 | dd bs=64K iflag=fullblock status=none";
	const child = spawn("sh", ["-c", script], {
		stdio: ["pipe", "pipe", "ignore"],
	});
	let lines = 0;
	// Nothing leaves, so it stops reading.
	const onOutput = () => {
		lines += 1;
	};
	const log = new LineLog(child.stdout, "it", "stdout", { onOutput });
	const drained = new Promise((resolve, reject) => {
		child.once("exit", () => {
			log.drained().then(resolve, reject);
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
		});
	});
	await until(() => child.stdout.isPaused(), "it has stopped reading");
	child.stdin.end("go\n");
	await drained;
	assert.equal(lines, 25_000);
});

test("LineLog is done with a process that has ended, whoever holds its output open", async () => {
	const job = {
		command: shell("sleep 1000 & echo end"),
		output: "log",
		essential: false,
	};
	await using lastcall = await startLastcall({ jobs: { it: job } });
	assert.equal((await lastcall.exit()).code, 0);
	assert.deepEqual(
		recordsOf(lastcall.lines.all, "it").map(({ msg }) => msg),
		["end"],
	);
});

test("LineLog makes the process wait for a slow reader, and does not delay its stop", async () => {
	using fifo = openFifo();
	const job = { command: ["yes", "x".repeat(99)], output: "log" };
	await using lastcall = await startLastcall(
		{ stopTimeout: "1h", jobs: { it: job } },
		{ stdout: fifo.writer },
	);
	const { pid } = lastcall;
	const children = () =>
		readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
	await until(() => children() !== "", "the process runs");
	await untilBlocked(Number(children()), "yes");
	lastcall.kill("SIGTERM");
	// Or it would wait for its reader for most of an hour.
	assert.equal((await lastcall.exit()).code, 0);
});
