import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { attempt } from "../../src/base/errors.ts";
import { fixture, writeConfig } from "../helpers/lastcall.ts";
import { Lines } from "../helpers/lines.ts";
import { MAIN } from "../helpers/main.ts";
import { untilBlocked } from "../helpers/threads.ts";
import { until } from "../helpers/until.ts";

test("exitWithListeners() gets out while a thread of libuv's pool is held by a socket that nobody reads", async () => {
	using config = writeConfig({ jobs: { flood: { thread: fixture("flood"), readiness: "notify" } } });
	const child = spawn(process.execPath, [MAIN, "run", config.path], { stdio: ["ignore", "pipe", "inherit"] });
	try {
		await Lines.from(child.stdout).waitFor(/"job.ready"/);
		child.stdout.pause();
		// From here there is more to write than a socket takes.
		await untilBlocked(child.pid as number, "flood");
		await until(() => isHeldInWrite(child.pid), "a thread is held in write(2)");
		child.kill("SIGTERM");
		await until(() => child.exitCode !== null, "it has exited");
		assert.equal(child.exitCode, 0);
	} finally {
		child.kill("SIGKILL");
		child.stdout.destroy();
	}
});

/** Whether one of its threads is in write(2) or writev(2) on standard output, and sleeps there. */
function isHeldInWrite(pid: number | undefined): boolean {
	const call = process.arch === "arm64" ? /^(64|66) 0x1 / : /^(1|20) 0x1 /;
	return readdirSync(`/proc/${pid}/task`).some((task) => {
		const read = (file: string) => attempt(() => readFileSync(`/proc/${pid}/task/${task}/${file}`, "utf8"));
		return call.test(read("syscall") ?? "") && read("stat")?.includes(") S ");
	});
}
