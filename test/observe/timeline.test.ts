/** The report of a real stop, for people. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startLastcall } from "../helpers/lastcall.ts";
import { program } from "../helpers/programs.ts";

test("a stop that is logged for people shows its timeline before its last line", async () => {
	await using lastcall = await startLastcall(
		{
			stopTimeout: "10s",
			jobs: {
				good: { command: program("waiting.sh", "good") },
				deaf: { command: program("deaf.sh"), stopTimeout: "500ms" },
			},
		},
		{ env: { LASTCALL_LOG_FORMAT: "pretty" } },
	);
	await lastcall.lines.waitFor(/good: running/);
	await lastcall.lines.waitFor(/deaf: running/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 124);
	const [scale, good, deaf, last] = lastcall.lines.all.slice(-4);
	assert.match(scale ?? "", /┊ deadline 9\.0 s, │ stop timeout 10\.0 s$/);
	assert.match(good ?? "", /^good .*╸.* exited with code 0 after \d/);
	assert.match(
		deaf ?? "",
		/^deaf +━+✕ +┊ +│ killed after [\d.]+ m?s: sleeping, wait4.*deaf\.sh, \d+ \(.*sleep 1000\)$/,
	);
	assert.match(last ?? "", /Exiting main program with code 124/);
});
