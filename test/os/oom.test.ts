import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { namespace } from "../helpers/lastcall.ts";

const OOM = join(import.meta.dirname, "../../src/os/processes/memory.ts");

/** What a process's score is after preferForOom() for it, called by a process started with `prefix`. */
async function scoreAfter(...prefix: string[]): Promise<number> {
	const child = spawn("sleep", ["1000"], { stdio: "ignore" });
	await once(child, "spawn");
	const { pid } = child;
	try {
		const script = `import { preferForOom } from "${OOM}"; preferForOom(${pid});`;
		const node = [process.execPath, "--input-type=module", "-e", script];
		const [command = "", ...args] = [...prefix, ...node];
		const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
		assert.equal(status, 0, stderr);
		return Number(readFileSync(`/proc/${pid}/oom_score_adj`, "latin1"));
	} finally {
		child.kill("SIGKILL");
	}
}

const own = Number(readFileSync("/proc/self/oom_score_adj", "latin1"));

test("preferForOom() makes a process look bigger than us by a tenth", async () => {
	assert.equal(await scoreAfter(), Math.min(own + 100, 1000));
});

test("preferForOom() leaves a stranger alone where /proc has another namespace's numbers", async () => {
	const prefix = namespace().filter((flag) => flag !== "--mount-proc");
	assert.equal(await scoreAfter(...prefix), own);
});
