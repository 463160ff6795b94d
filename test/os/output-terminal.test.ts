import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFreeAndInTime, isNonBlocking, type OutputTask, PROGRAM, ReportFile } from "../helpers/output.ts";
import { openPty, type Pty } from "../helpers/pty.ts";

/** Far more than a terminal holds: it is still printing when the next key is pressed. */
const MANY = 10_000;

/** Runs the program in a terminal; what it says of itself goes to the file. */
function openProgram(file: ReportFile, task: Omit<OutputTask, "report">): Pty {
	const json = JSON.stringify({ ...task, report: file.path });
	return openPty(process.execPath, [PROGRAM, json]);
}

function printed({ lines }: Pty): string[] {
	return lines.all.filter((line) => / x{90}$/.test(line));
}

test("Output on a terminal delivers every line in order, and leaves the terminal blocking for others", async () => {
	using file = new ReportFile();
	await using terminal = openProgram(file, { lines: MANY, stay: true });
	assert.equal((await file.reported("left", 1)).left, 0);
	assert.equal(isNonBlocking(terminal.pid), false);
	await terminal.lines.waitFor(new RegExp(`^${MANY} x{90}$`));
	printed(terminal).forEach((line, index) => {
		assert.equal(line, `${index + 1} ${"x".repeat(90)}`);
	});
	assert.equal(printed(terminal).length, MANY);
});

test("Output on a terminal that Ctrl-S has stopped waits without blocking, and goes on at Ctrl-Q", async () => {
	using file = new ReportFile();
	await using terminal = openProgram(file, { lines: MANY, flushMs: 300, waitForSignal: true, stay: true });
	await file.reported("opened", 1);
	terminal.type("\x13");
	terminal.kill("SIGUSR2");
	const report = await file.reported("left", 1);
	assert.ok((report.left ?? 0) > 0, `${report.left} bytes left`);
	assertFreeAndInTime(report, 300);
	terminal.type("\x11");
	await terminal.lines.waitFor(new RegExp(`^${MANY} x{90}$`));
	assert.equal(printed(terminal).length, MANY);
});
