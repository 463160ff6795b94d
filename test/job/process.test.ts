/** Jobs that are processes, as PID 1 of a PID namespace of their own. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { JobExit } from "../../src/job/job.ts";
import { lineFormats } from "../../src/job/line-records.ts";
import { ProcessJob } from "../../src/job/process.ts";
import { readProcess } from "../../src/os/processes/processes.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { childrenOf } from "../helpers/inits.ts";
import { type Lastcall, startLastcall } from "../helpers/lastcall.ts";
import { isNonBlocking } from "../helpers/output.ts";
import { program, shell } from "../helpers/programs.ts";
import { until } from "../helpers/until.ts";

async function outcomeOf(job: object): Promise<{ exit: JobExit; code: number; text: string }> {
	await using lastcall = await startLastcall({ jobs: { it: job } });
	const { code } = await lastcall.exit();
	const { exit } = lastcall.event("job.exited", "it");
	return { exit, code, text: lastcall.lines.text };
}

/** Waits for a line of the process, asks for the stop, and waits for the end. */
async function stopAfter(lastcall: Lastcall, line: RegExp): Promise<number> {
	await lastcall.lines.waitFor(line);
	lastcall.kill("SIGTERM");
	return (await lastcall.exit()).code;
}

test("ProcessJob that ends gives the program its code", async () => {
	const { exit, code } = await outcomeOf({ command: shell("exit 7") });
	assert.deepEqual(exit, { outcome: "exited", code: 7 });
	assert.equal(code, 7);
});

test("ProcessJob counts successExitCodes as success", async () => {
	const job = { command: shell("exit 7"), successExitCodes: [7] };
	const { exit, code } = await outcomeOf(job);
	assert.deepEqual(exit, { outcome: "exited", code: 7, expected: true });
	assert.equal(code, 0);
});

test("ProcessJob that a signal ends has failed with 128 + n", async () => {
	const { exit, code } = await outcomeOf({ command: shell("kill -9 $$") });
	assert.deepEqual(exit, { outcome: "signaled", signal: "SIGKILL" });
	assert.equal(code, 137);
});

test("ProcessJob that a real-time signal ends has failed, though Node.js has no name for the signal", async (t) => {
	const [major = 0, minor = 0] = release().split(".").map(Number);
	if (major < 6 || (major === 6 && minor < 15)) return t.skip("the kernel tells since Linux 6.15");
	for (const [number, signal] of [
		[34, "SIGRTMIN+0"],
		[40, "SIGRTMIN+6"],
		[64, "SIGRTMIN+30"],
	] as const) {
		const command = shell(`kill -${number} $$`);
		const { exit, code, text } = await outcomeOf({ command });
		assert.deepEqual(exit, { outcome: "signaled", signal });
		assert.equal(code, 128 + number);
		assert.match(text, RegExp(`was killed by SIGRTMIN\\+${number - 34}`));
	}
});

test("ProcessJob has done as it was told when its stop signal ends it, by whichever of its names", async () => {
	await using lastcall = await startLastcall({ jobs: { it: { command: ["sleep", "1000"], stopSignal: "SIGPOLL" } } });
	await lastcall.waitFor("job.started", "it");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("ProcessJob leaves standard output blocking for everybody else, and standard error", async () => {
	await using lastcall = await startLastcall({ jobs: { it: { command: program("waiting.sh", "it"), output: "log" } } });
	await lastcall.lines.waitFor(/it: running/);
	for (const descriptor of [1, 2] as const) assert.equal(isNonBlocking(lastcall.pid, descriptor), false);
});

test("ProcessJob has its arguments, environment and folder", async () => {
	const { text, code } = await outcomeOf({
		command: [...shell('echo "$0 in $PWD sees $COLOR"'), "it"],
		env: { COLOR: "blue" },
		cwd: "/usr",
	});
	assert.equal(code, 0);
	assert.match(text, /^it in \/usr sees blue$/m);
});

test("ProcessJob is asked with its stopSignal, and joined", async () => {
	const script = `trap 'echo asked; exit 0' INT; echo up; while :; do sleep 0.05; done`;
	await using lastcall = await startLastcall({ jobs: { it: { command: shell(script), stopSignal: "SIGINT" } } });
	assert.equal(await stopAfter(lastcall, /^up$/), 0);
	assert.match(lastcall.lines.text, /^asked$/m);
});

for (const [how, script] of [
	["dies of its stop signal", "echo up; exec sleep 1000"],
	["exits with 128 + its stop signal", "trap 'exit 143' TERM; echo up; while :; do sleep 0.05; done"],
] as const) {
	test(`ProcessJob that ${how} when asked has done as it was told`, async () => {
		await using lastcall = await startLastcall({ jobs: { it: { command: shell(script) } } });
		assert.equal(await stopAfter(lastcall, /^up$/), 0, lastcall.lines.text);
		const { exit } = lastcall.event("job.exited", "it");
		assert.ok("expected" in exit && exit.expected, JSON.stringify(exit));
	});
}

test("ProcessJob that ignores SIGTERM is killed with its group, and the report says where it was", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: {
			// What it starts ignores SIGTERM as well, and would have to be killed as a straggler.
			deaf: { command: program("deaf.sh"), stopTimeout: "500ms" },
		},
	});
	assert.equal(await stopAfter(lastcall, /deaf: running/), 124);
	const { report } = lastcall.event("stop.finished");
	assert.deepEqual(report.stragglers.killed, [], "the group went with it");
	const [stop] = report.jobs;
	assert.equal(stop?.exit.outcome, "killed");
	const where = stop?.killed?.where;
	assert.ok(where?.type === "process", JSON.stringify(stop));
	assert.match(where.command, /deaf\.sh/);
	assert.equal(where.state, "S");
	assert.equal(where.call, "wait4");
});

test("ProcessJob that is stopped by SIGSTOP still stops in time", async () => {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: {
			it: {
				command: shell(`trap 'echo asked; exit 0' TERM; echo stopping; kill -STOP $$; while :; do sleep 0.05; done`),
			},
		},
	});
	await lastcall.lines.waitFor(/^stopping$/);
	const states = () => childrenOf(lastcall.pid).map((pid) => readProcess(pid)?.state);
	await until(() => states().includes("T"), "it is stopped");
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
	assert.match(lastcall.lines.text, /^asked$/m);
});

test("ProcessJob that leaves a process behind has ended; what it left is ended as a straggler", async () => {
	await using lastcall = await startLastcall({
		jobs: {
			leaving: { command: program("leaving.sh"), essential: false, output: "log" },
			other: { command: program("waiting.sh", "other") },
		},
	});
	await lastcall.lines.waitFor(/left: running/);
	await lastcall.waitFor("job.exited", "leaving");
	assert.equal(await stopAfter(lastcall, /other: running/), 0);
	const { found, killed } = lastcall.event("stop.finished").report.stragglers;
	assert.ok(found.length > 0, "it was found");
	assert.deepEqual(killed, []);
	assert.match(lastcall.lines.text, /left: clean shutdown/);
});

test("ProcessJob that dies while it is asked is no fault", async () => {
	// All are asked in one turn; each dies as soon as the one before does.
	const jobs = Object.fromEntries(
		Array.from({ length: 10 }, (_, n) => [
			`j${n}`,
			{ command: shell("echo up; kill -STOP $$"), stopSignal: "SIGKILL" },
		]),
	);
	await using lastcall = await startLastcall({ jobs });
	await lastcall.lines.waitFor(/^up$/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0, lastcall.lines.text);
});

test("ProcessJob gets the signals that are no stop signals, and no other job is harmed", async () => {
	await using lastcall = await startLastcall({ logLevel: "debug", jobs: { it: { command: program("signals.js") } } });
	await lastcall.lines.waitFor(/listening for signals/);
	for (const signal of ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT", "SIGALRM"] as const) {
		lastcall.kill(signal);
		await lastcall.lines.waitFor(new RegExp(`^got ${signal}$`));
	}
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
	const told = lastcall.events.map(({ type }) => type).filter((type) => type.startsWith("signal."));
	assert.deepEqual(told.slice(0, 2), ["signal.received", "signal.forwarded"]);
});

test("ProcessJob that is killed reports only once how much of its output was dropped", async () => {
	using folder = makeDirectory();
	const over = join(folder.path, "over");
	const script = `trap "" TERM; echo up; yes y | head -c 3000000; : > ${over}; exec sleep 1000`;
	const dropped: number[] = [];
	let isUp = false;
	const job = new ProcessJob(
		{
			name: "it",
			command: shell(script),
			env: process.env,
			cwd: folder.path,
			stopSignal: "SIGTERM",
			successExitCodes: [],
			lines: lineFormats({ level: "info", format: "json", hasColors: false, isTerminal: false }, ["it"])("it"),
		},
		{
			onReady() {},
			onLeaderGone() {},
			// A reader that has stalled.
			onOutput() {
				isUp = true;
			},
			onDropped: (bytes) => dropped.push(bytes),
		},
	);
	job.start();
	await until(() => isUp, "it runs");
	job.requestStop();
	await until(() => existsSync(over), "all is read");
	assert.ok(job.kill());
	assert.deepEqual(await job.exited, { outcome: "killed" });
	job.giveUp();
	assert.equal(dropped.length, 1, String(dropped));
});
