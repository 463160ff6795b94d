/** A disk without room: for what jobs write, for our own files, for standard output in a file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findEvent, parseEvents } from "../helpers/events.ts";
import { ALL_WAYS, holdsUp, MAIN, MAJORS, startCommand, startWay, stopsCleanly } from "../helpers/surroundings.ts";
import { until } from "../helpers/until.ts";

/** Every place where a file of ours may lie, without room for data, nor for a name. */
const NO_ROOM = {
	flags: [
		"--read-only",
		"--ipc=none",
		"--tmpfs=/run:size=64k,nr_inodes=1",
		"--tmpfs=/tmp:mode=1777,size=64k,nr_inodes=2",
	],
	before: "head -c 100000 /dev/zero >/tmp/full",
};

const LOG_TO_FILE = {
	flags: ["--tmpfs=/logs:mode=1777,size=64k"],
	before: "head -c 100000 /dev/zero >/logs/other",
	redirect: ">>/logs/log 2>&1",
};

for (const major of MAJORS) {
	for (const way of ALL_WAYS)
		test(`no room in /run, /tmp and /dev/shm: ${way} works and stops on Node.js ${major}`, async (t) => {
			const what = "no room in /run, /tmp and /dev/shm";
			const output = await holdsUp(t, what, way, NO_ROOM, major);
			if (way !== "run") return;
			const failures = output.match(/"event":"server.failed"/g) ?? [];
			assert.equal(failures.length, 1, `said once: ${output}`);
		});

	// What a registered app prints is its own: see output.test.ts for /dev/full.
	for (const way of ["run", "tini"] as const)
		test(`standard output and error in a file on a full disk: ${way} works and stops on Node.js ${major}`, async (t) => {
			const what = "standard output in a file on a full disk";
			await holdsUp(t, what, way, LOG_TO_FILE, major);
		});
}

test("a job that fills the disk fails by its own error; the others stop cleanly, and a full termination message does no harm", async () => {
	const command = [...MAIN, "run", "configs/filling.json"];
	await using walled = await startCommand(command, {
		flags: ["--tmpfs=/tmp:mode=1777,size=1m", "--env=LASTCALL_TERMINATION_MESSAGE=/tmp/message"],
		before: ": >/tmp/message",
	});
	const code = await walled.container.wait(60_000);
	const output = await walled.output();
	assert.equal(code, 1, output);
	walled.assertCleanShutdown(["neighbour"]);
	const { report } = findEvent(parseEvents(output.split("\n")), "stop.finished");
	const filling = report.jobs.find(({ job }) => job === "filling")?.exit;
	assert.equal(filling?.outcome, "failed", output);
	assert.match(JSON.stringify(filling), /ENOSPC/);
});

test("when a full disk has room again the log goes on, on a line of its own, and says how much is lost", async (t) => {
	const ROOM = 16_384;
	await using walled = await startWay("run", {
		...LOG_TO_FILE,
		before: `head -c ${65_536 - ROOM} /dev/zero >/logs/other`,
		redirect: ">>/logs/log 2>/dev/null",
	});
	await walled.untilRunning();
	const read = async () => (await walled.container.exec(["cat", "/logs/log"])).stdout;
	await until(async () => (await read()).length === ROOM, "the disk is full", 60_000);
	const { code } = await walled.container.exec(["rm", "/logs/other"]);
	assert.equal(code, 0);
	let log = "";
	await until(
		async () => {
			log = await read();
			return /"event":"output.dropped".*\n/.test(log);
		},
		"it says what is lost",
		30_000,
	);
	if (log[ROOM - 1] !== "\n") assert.equal(log[ROOM], "\n");
	const odd = log
		.slice(ROOM)
		.split("\n")
		.slice(0, -1)
		.filter((line) => !/^(|thread: line \d+|\{.*\})$/.test(line));
	assert.deepEqual(odd, []);
	await stopsCleanly(t, "a full disk that has room again: run", walled);
});
