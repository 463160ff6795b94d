/** Output "log" of process jobs. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LineLog } from "../../src/job/line-log.ts";
import { lineFormats } from "../../src/job/line-records.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { openFifo } from "../helpers/fifo.ts";
import { type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { shell } from "../helpers/programs.ts";
import { type LogRecord, recordsOf } from "../helpers/records.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

const formatOf = lineFormats({ level: "info", format: "json", hasColors: false, isTerminal: false }, ["it"]);

/** Runs a script to its end, and returns what was logged of its output. */
async function logOf(script: string): Promise<LogRecord[]> {
	const job = { command: shell(script), output: "log" };
	await using lastcall = await startLastcall({ jobs: { it: job } });
	await lastcall.exit();
	return recordsOf(lastcall.lines.all, "it");
}

/** Waits for its process, and returns the pid. */
async function childOf({ pid }: Lastcall): Promise<number> {
	const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
	await until(() => children() !== "", "the process runs");
	return Number(children());
}

function node(script: string): string {
	return `exec '${process.execPath}' -e '${script}'`;
}

test("LineLog makes a record of each line, with job and stream", async () => {
	const records = await logOf('echo one; echo two >&2; printf "three\\r\\n"');
	const of = (stream: string) => records.filter((r) => r.stream === stream).map(({ msg }) => msg);
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
	const records = await logOf(node('process.stdout.write("ä".repeat(1e6) + "\\nshort\\n")'));
	const last = records.pop();
	assert.equal(last?.msg, "short");
	assert.equal(last?.partial, undefined);
	assert.equal(records.map(({ msg }) => msg).join(""), "ä".repeat(1e6));
	const partial = records.filter((record) => record.partial).length;
	assert.equal(partial, records.length - 1);
});

test("LineLog cuts no character beyond U+FFFF in two", async () => {
	const records = await logOf(node('process.stdout.write("x".repeat(8191) + "😀".repeat(9000) + "\\n")'));
	const text = records.map(({ msg }) => String(msg));
	assert.equal(text.join(""), `${"x".repeat(8191)}${"😀".repeat(9000)}`);
	for (const part of text) assert.ok(part.isWellFormed());
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
	const script = "seq 20000; read go; seq 20001 40000 | dd bs=64K iflag=fullblock status=none";
	const child = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "ignore"] });
	let lines = 0;
	// Nothing leaves, so it stops reading.
	const onOutput = (_: unknown, bytes: Uint8Array) => {
		lines += Buffer.from(bytes).toString().split("\n").length - 1;
	};
	const log = new LineLog(child.stdout, "stdout", formatOf("it"), { onOutput });
	const drained = new Promise((resolve, reject) => {
		child.once("exit", () => {
			log.drained().then(resolve, reject);
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
		});
	});
	try {
		await until(() => child.stdout.isPaused(), "it has stopped reading");
		child.stdin.end("go\n");
		await drained;
	} finally {
		child.kill("SIGKILL");
	}
	assert.equal(lines, 40_000);
});

test("LineLog is done with a process that has ended, whoever holds its output open", async () => {
	const job = { command: shell("sleep 1000 & echo end"), output: "log", essential: false };
	await using lastcall = await startLastcall({ jobs: { it: job } });
	assert.equal((await lastcall.exit()).code, 0);
	assert.deepEqual(
		recordsOf(lastcall.lines.all, "it").map(({ msg }) => msg),
		["end"],
	);
});

test("LineLog takes little memory for very short lines when the reader has stalled and the process stops", async () => {
	using fifo = openFifo();
	using folder = makeDirectory();
	const over = join(folder.path, "over");
	// It goes on printing until the test has looked.
	const script = `trap "" TERM; yes y | head -c 3000000; : > ${over}; exec sleep 1000`;
	const job = { command: shell(script), output: "log" };
	await using lastcall = await startLastcall({ stopTimeout: "1h", jobs: { it: job } }, { stdout: fifo.writer });
	const { pid } = lastcall;
	await childOf(lastcall);
	const resident = () => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
	const before = resident();
	lastcall.kill("SIGTERM");
	await until(() => existsSync(over), "all is read");
	// 32 MiB may wait for the reader, and what reads them takes some.
	const grown = (resident() - before) / 1024;
	assert.ok(grown < 80, `${grown} MB more`);
});

test("LineLog makes the process wait for a slow reader, and does not delay its stop", async () => {
	using fifo = openFifo();
	const job = { command: ["yes", "x".repeat(99)], output: "log" };
	await using lastcall = await startLastcall({ stopTimeout: "1h", jobs: { it: job } }, { stdout: fifo.writer });
	const child = await childOf(lastcall);
	await untilBlocked(child, "yes");
	lastcall.kill("SIGTERM");
	// Or it would wait for its reader for most of an hour.
	assert.equal((await lastcall.exit()).code, 0);
});
