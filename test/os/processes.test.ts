import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { listProcesses, livingDescendants, type ProcessInfo, readProcess } from "../../src/os/processes/processes.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { until } from "../helpers/until.ts";

/** A shell script in a process. It and what it starts are gone at the end of the block. */
function startScript(script: string, ...args: string[]): Disposable & { pid: number } {
	// A group of its own, to be killed as a whole.
	const child: ChildProcess = spawn("sh", ["-c", script, ...args], { detached: true, stdio: "ignore" });
	const pid = child.pid as number;
	return { pid, [Symbol.dispose]: () => void process.kill(-pid, "SIGKILL") };
}

/** Waits for a child of a process that looks like this. */
async function childOf(parent: number, look: (info: ProcessInfo) => boolean): Promise<ProcessInfo> {
	let found: ProcessInfo | undefined;
	await until(() => {
		found = listProcesses().find((info) => info.parent === parent && look(info));
		return found !== undefined;
	}, `process ${parent} has such a child`);
	return found as ProcessInfo;
}

test("readProcess() knows pid, parent, state and command line", () => {
	const info = readProcess(process.pid);
	assert.equal(info?.pid, process.pid);
	assert.equal(info.parent, process.ppid);
	assert.match(info.state, /^[RS]$/);
	assert.ok(info.command.startsWith(`${process.argv0} `), info.command);
});

test("readProcess() reads a zombie whose name has blanks and parentheses", async () => {
	const name = "odd) (name) R 7";
	using directory = makeDirectory({ [name]: "#!/bin/sh\n" });
	const file = join(directory.path, name);
	chmodSync(file, 0o755);
	// sleep collects no children.
	using script = startScript('"$0" & exec sleep 60', file);
	const zombie = await childOf(script.pid, ({ state }) => state === "Z");
	assert.deepEqual(zombie, {
		pid: zombie.pid,
		parent: script.pid,
		group: script.pid,
		state: "Z",
		command: `[${name}]`,
	});
});

test("readProcess() tells a stopped process from one that sleeps", async () => {
	using script = startScript("exec sleep 60");
	await until(() => {
		const { state, command } = readProcess(script.pid) ?? {};
		return state === "S" && command === "sleep 60";
	}, "it sleeps");
	process.kill(script.pid, "SIGSTOP");
	await until(() => readProcess(script.pid)?.state === "T", "it is stopped");
	assert.equal(readProcess(script.pid)?.command, "sleep 60");
});

test("readProcess() cuts a long command line", async () => {
	// Two commands: for a single one the shell would make way.
	using script = startScript("sleep 60; true", "x".repeat(5_000));
	await until(() => readProcess(script.pid)?.command.length === 200, "the command line is there, and is cut");
});

test("readProcess() of a pid that has vanished is undefined", () => {
	const { pid } = spawnSync("true");
	assert.equal(readProcess(pid), undefined);
});

test("listProcesses() lists whatever readProcess() reads", () => {
	const all = listProcesses();
	const pids = all.map(({ pid }) => pid);
	assert.ok(pids.includes(process.pid) && pids.includes(process.ppid));
	assert.equal(new Set(pids).size, pids.length);
});

test("livingDescendants() finds children's children, and leaves out zombies, others, and itself", async () => {
	using other = startScript("exec sleep 60");
	using script = startScript("sh -c 'sleep 60 & wait' & true & exec sleep 60");
	const { pid } = script;
	// Not one that the shell has forked, and that is not what it will be.
	const child = await childOf(pid, ({ command }) => command === "sh -c sleep 60 & wait");
	const grandchild = await childOf(child.pid, ({ command }) => command === "sleep 60");
	const zombie = await childOf(pid, ({ state }) => state === "Z");

	const below = livingDescendants(pid).map((info) => info.pid);
	assert.deepEqual(below.sort(), [child.pid, grandchild.pid].sort());
	const mine = livingDescendants(process.pid).map((info) => info.pid);
	for (const own of [other.pid, pid, child.pid, grandchild.pid]) assert.ok(mine.includes(own));
	assert.ok(!mine.includes(zombie.pid) && !mine.includes(process.pid));
});

test("livingDescendants() follows families whose pids have wrapped around", () => {
	const info = { group: 2, state: "S", command: "x" };
	const all = [
		{ pid: 2, parent: 3, ...info },
		{ pid: 3, parent: 4, ...info },
		{ pid: 4, parent: 9, ...info },
		{ pid: 5, parent: 1, ...info },
		{ pid: 9, parent: 1, ...info },
	];
	const pids = livingDescendants(9, all).map(({ pid }) => pid);
	assert.deepEqual(pids, [2, 3, 4]);
});
