import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { ProcessInfo } from "../../src/os/processes/processes.ts";
import { endStragglers } from "../../src/os/processes/stragglers.ts";
import { fixture, startLastcall, startNode } from "../helpers/lastcall.ts";

const PROGRAM = fixture("../end-stragglers");

// Both only wait: a shell that forks all the time may be met when /proc has no command line to tell.
const GENTLE = 'trap "exit 0" TERM; sh -c "echo up; exec sleep 1000" & wait';
const STOPPED = "echo up; kill -STOP $$";
const STUBBORN = 'trap "" TERM; echo up; exec sleep 1234';

async function stopWith(script: string, asInit: boolean) {
	await using lastcall = await startLastcall(
		{ stopTimeout: "4s", jobs: { job: { thread: fixture("daemonizing"), readiness: "notify", data: script } } },
		{ asInit },
	);
	await lastcall.waitFor("job.ready", "job");
	lastcall.kill("SIGTERM");
	const { code } = await lastcall.exit();
	return { code, report: lastcall.event("stop.finished").report };
}

/** The first of the processors that we may run on. */
function firstProcessor(): string {
	const status = readFileSync("/proc/self/status", "latin1");
	return /^Cpus_allowed_list:\s*(\d+)/m.exec(status)?.[1] ?? "0";
}

/** Keeps a processor busy, and is nobody's descendant. */
async function keepBusy(processor: string): Promise<Disposable> {
	const loop = "timeout 300 sh -c 'echo $PPID; while :; do :; done'";
	const shell = spawn("sh", ["-c", `taskset -c ${processor} ${loop} &`]);
	const pid = Number(await once(shell.stdout, "data"));
	return { [Symbol.dispose]: () => void process.kill(pid) };
}

for (const asInit of [true, false]) {
	const role = asInit ? "as PID 1" : "as a subreaper";

	for (const [what, script] of [
		["asks a process to stop, and waits for it", GENTLE],
		["ends a stopped process, too", STOPPED],
	] as const)
		test(`endStragglers() ${role} ${what}`, async () => {
			// An init has a second for that, which is little on a starved machine.
			const times = { stopMs: 60_000, killMs: 1_000 };
			const args = [script, JSON.stringify(times)];
			await using program = await startNode([PROGRAM, ...args], { asInit });
			const line = await program.lines.waitFor(/^\{/);
			const { found, killed, forced } = JSON.parse(line);
			assert.ok(
				found.some((it: ProcessInfo) => it.command.includes(script)),
				line,
			);
			assert.deepEqual({ killed, forced }, { killed: [], forced: false });
		});

	test(`endStragglers() ${role} kills a daemon that ignores SIGTERM, and names it`, async () => {
		const { code, report } = await stopWith(STUBBORN, asInit);
		assert.equal(code, 124);
		assert.ok(
			report.stragglers.killed.some(({ command }) => command.includes("sleep 1234")),
			JSON.stringify(report.stragglers),
		);
	});
}

test("endStragglers() names whom it has killed, though they take longer to go than it waits", async () => {
	const processor = firstProcessor();
	const deaf = ["sh", "-c", 'trap "" TERM; echo up; exec sleep 1000'];
	const children = Array.from({ length: 40 }, () => spawn("taskset", ["-c", processor, ...deaf]));
	const exits = children.map((child) => once(child, "exit"));
	try {
		await Promise.all(children.map(({ stdout }) => once(stdout, "data")));
		// They get no time to go (SCHED_IDLE) where somebody else, who is no straggler of ours, keeps their processor busy.
		const pids = children.map(({ pid }) => `${pid}`);
		for (const pid of pids) execFileSync("chrt", ["--idle", "--pid", "0", pid]);
		using _busy = await keepBusy(processor);
		const times = { stopMs: 0, killMs: 0 };
		const { killed, forced } = await endStragglers(times, false);
		const named = new Set(killed.map(({ pid }) => `${pid}`));
		for (const pid of pids) assert.ok(named.has(pid), pid);
		assert.ok(forced);
	} finally {
		for (const child of children) child.kill("SIGKILL");
		await Promise.all(exits);
	}
});
