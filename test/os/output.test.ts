import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { makeDirectory } from "../helpers/directory.ts";
import { Lines } from "../helpers/lines.ts";
import { assertFreeAndInTime, isNonBlocking, OutputProgram, Pipe } from "../helpers/output.ts";

/** More than a pipe or a socket holds, and less than the limit of 1 MiB. */
const MANY = 10_000;

/** Checks that these are the lines from the first to the last, each whole and in order. */
function assertInOrder(lines: readonly string[], last = MANY): void {
	assert.equal(lines.length, last);
	lines.forEach((line, index) => {
		assert.equal(line, `${index + 1} ${"x".repeat(90)}`);
	});
}

/** Reads a little in each turn of the event loop, and that until the end. */
async function readSlowly(stream: Readable): Promise<string[]> {
	const lines = new Lines();
	stream.on("close", () => lines.end());
	stream.on("readable", () => setImmediate(next));
	function next(): void {
		const chunk = stream.read(4_096) ?? stream.read();
		if (chunk === null) return;
		lines.push(String(chunk));
		setImmediate(next);
	}
	await lines.waitForEnd();
	return lines.all;
}

test("Output on a pipe whose reader never reads leaves the main thread free, and flush() gives up in time", async () => {
	using pipe = new Pipe();
	using program = new OutputProgram(pipe.writer, { lines: MANY, flushMs: 200 });
	const report = await program.reported("left");
	const { left = 0 } = report;
	assert.ok(left > 500_000 && left < 1_000_000, `${left} bytes left`);
	assertFreeAndInTime(report, 200);
	assert.equal(await program.exited(), 0);
});

test("Output on a pipe with a slow reader delivers every byte in order", async () => {
	using pipe = new Pipe();
	using program = new OutputProgram(pipe.writer, { lines: MANY });
	const reading = readSlowly(pipe.read());
	assert.equal((await program.reported("left")).left, 0);
	assert.equal(await program.exited(), 0);
	pipe.closeWriter();
	assertInOrder(await reading);
});

test("Output never makes a pipe non-blocking that others share", async () => {
	using pipe = new Pipe();
	const sibling = spawn("sleep", ["60"], { stdio: ["ignore", pipe.writer, "ignore"] });
	try {
		using program = new OutputProgram(pipe.writer, { lines: MANY, flushMs: 100, stay: true });
		await program.reported("left");
		assert.equal(isNonBlocking(sibling.pid), false);
		assert.equal(isNonBlocking(program.child.pid), false);
	} finally {
		sibling.kill("SIGKILL");
	}
});

test("Output drops what is over its limit, whole lines, and says how much once the reader is back", async () => {
	using pipe = new Pipe();
	using program = new OutputProgram(pipe.writer, { lines: MANY, limit: 100_000, flushMs: 50, stay: true });
	await program.reported("left");
	const lines = Lines.from(pipe.read());
	const { dropped = 0 } = await program.reported("dropped");
	assert.ok(dropped > 500_000, `${dropped} bytes dropped`);
	program.child.kill("SIGKILL");
	await program.exited();
	pipe.closeWriter();
	await lines.waitForEnd();
	assertInOrder(lines.all, lines.all.length);
	const arrived = lines.all.reduce((sum, line) => sum + line.length + 1, 0);
	assert.equal(arrived + dropped, sizeOf(MANY));
	assert.ok(arrived >= 100_000, `${arrived} bytes arrived`);
});

/** Bytes of the first so many lines. */
function sizeOf(lines: number): number {
	let bytes = 0;
	for (let n = 1; n <= lines; n++) bytes += `${n}`.length + 92;
	return bytes;
}

test("Output.write() with done drops nothing over the limit, and calls it once for each chunk", async () => {
	using pipe = new Pipe();
	using program = new OutputProgram(pipe.writer, { lines: MANY, limit: 1_000, withDone: true });
	const lines = Lines.from(pipe.read());
	assert.equal((await program.reported("left")).done, MANY);
	assert.equal(await program.exited(), 0);
	pipe.closeWriter();
	await lines.waitForEnd();
	assertInOrder(lines.all);
});

test("Output on a file shares the offset with other writers: nothing is overwritten", async () => {
	using directory = makeDirectory();
	const path = join(directory.path, "log");
	const file = openSync(path, "w");
	const sayNext = (word: string) => spawnSync("echo", [word], { stdio: ["ignore", file, "inherit"] });
	try {
		sayNext("before");
		using program = new OutputProgram(file, { lines: 100 });
		assert.equal(await program.exited(), 0);
		sayNext("after");
	} finally {
		closeSync(file);
	}
	const [first, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
	assert.equal(first, "before");
	assert.equal(lines.pop(), "after");
	assertInOrder(lines, 100);
});

test("Output on a socket, which cannot be reopened, delivers every byte in order to a slow reader", async () => {
	using program = new OutputProgram("pipe", { lines: MANY });
	const { child } = program;
	assert.match(readlinkSync(`/proc/${child.pid}/fd/1`), /^socket:/);
	const lines = await readSlowly(child.stdout as Readable);
	assertInOrder(lines);
	assert.equal(await program.exited(), 0);
});

test("Output on a socket whose reader never reads leaves the main thread free, and flush() gives up in time", async () => {
	using program = new OutputProgram("pipe", { lines: MANY, flushMs: 200 });
	const report = await program.reported("left");
	const { left = 0 } = report;
	assert.ok(left > 100_000, `${left} bytes left`);
	assertFreeAndInTime(report, 200);
	assert.equal(await program.exited(), 0);
});

test("Output on a socket that somebody made non-blocking waits for its reader without turning in circles", async () => {
	// Node.js makes it so when process.stdout is touched, and undoes that unless it is killed.
	const spoil = "process.stdout; process.kill(process.pid, 'SIGKILL')";
	const script = `exec 3>&2 2>/dev/null; "$0" -e "${spoil}"; exec "$0" "$@" 2>&3`;
	using program = new OutputProgram("pipe", { lines: MANY, flushMs: 5_000, stay: true, quiet: true }, [
		"sh",
		"-c",
		script,
	]);
	const { left = 0, cpuMs = 0, ms = 0 } = await program.reported("left");
	assert.equal(isNonBlocking(program.child.pid), true);
	assert.ok(left > 100_000, `${left} bytes left`);
	// Who turns in circles takes all of the CPU that there is, beside four others a third of one; what is taken before the wait is a fortieth.
	assert.ok(cpuMs < ms / 8, `${cpuMs} of ${ms} ms on the CPU`);
});

test("Output whose reader has gone drops everything, and goes on", async () => {
	using pipe = new Pipe();
	using program = new OutputProgram(pipe.writer, { lines: MANY, withDone: true, waitForSignal: true, stay: true });
	await program.reported("opened");
	pipe.hangUp();
	program.child.kill("SIGUSR2");
	assert.deepEqual(await outcome(program, 1), { left: 0, done: MANY });
	program.child.kill("SIGUSR2");
	assert.deepEqual(await outcome(program, 2), { left: 0, done: 2 * MANY });
});

test("Output on a socket whose reader has gone drops everything, and goes on", async () => {
	using program = new OutputProgram("pipe", { lines: MANY, withDone: true, waitForSignal: true, stay: true });
	await program.reported("opened");
	program.child.stdout?.destroy();
	program.child.kill("SIGUSR2");
	assert.deepEqual(await outcome(program, 1), { left: 0, done: MANY });
	program.child.kill("SIGUSR2");
	assert.deepEqual(await outcome(program, 2), { left: 0, done: 2 * MANY });
});

test("Output on a full disk drops everything, and goes on", async () => {
	const full = openSync("/dev/full", "w");
	try {
		using program = new OutputProgram(full, { lines: 100, withDone: true });
		assert.deepEqual(await outcome(program, 1), { left: 0, done: 100 });
		assert.equal(await program.exited(), 0);
	} finally {
		closeSync(full);
	}
});

async function outcome(program: OutputProgram, nth: number): Promise<object> {
	const { left, done } = await program.reported("left", nth);
	return { left, done };
}
