/** The report of a real stop, for people. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startLastcall, writeConfig } from "../helpers/lastcall.ts";
import { MAIN } from "../helpers/main.ts";
import { program } from "../helpers/programs.ts";
import { openPty } from "../helpers/pty.ts";

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
	const { all } = lastcall.lines;
	const timeline = all.slice(
		all.findIndex((line) => line.includes("┊ deadline")),
		-1,
	);
	const [scale = "", good = "", ...deaf] = timeline;
	assert.match(scale, /┊ deadline 9\.0 s, │ stop timeout 10\.0 s$/);
	assert.match(good, /^good .*╸.* exited with code 0 after \d/);
	assert.match(
		deaf.map((line) => line.trim()).join(" "),
		/^deaf +━+✕ +┊ +│ killed after [\d.]+ m?s: sleeping, wait4.*deaf\.sh, \d+ \(.*sleep 1000\)$/,
	);
	assert.match(all.at(-1) ?? "", /Exiting main program with code 124/);
});

/** They decide about colours, too: in CI Node.js trusts only some terminals. */
const UNSET = { NO_COLOR: undefined, FORCE_COLOR: undefined, CI: undefined, COLORTERM: undefined };

test("on a terminal the timeline fits its width, and colours are left out where the user wants none", async () => {
	using config = writeConfig({ jobs: { "a-job-with-a-name": { command: program("deaf.sh"), stopTimeout: "100ms" } } });
	for (const [cols, env, hasColours] of [
		[60, { TERM: "xterm-256color" }, true],
		[80, { TERM: "xterm-256color", NO_COLOR: "1" }, false],
		[100, { TERM: "dumb" }, false],
		[120, { TERM: "dumb", FORCE_COLOR: "1" }, true],
	] as const) {
		await using terminal = openPty(process.execPath, [MAIN, "run", config.path], { cols, env: { ...UNSET, ...env } });
		await terminal.lines.waitFor(/deaf: running/);
		terminal.kill("SIGTERM");
		assert.equal((await terminal.exit()).code, 124);
		const { all } = terminal.lines;
		assert.equal(all.join("").includes("\x1b["), hasColours, all.join("\n"));
		const first = all.findIndex((line) => line.includes("┊ deadline"));
		const lines = all.slice(first, -1).map((line) => line.trimEnd());
		assert.ok(first >= 0 && lines.length >= 2, all.join("\n"));
		for (const line of lines) assert.ok(line.length <= cols, `${line.length} of ${cols}: ${line}`);
		assert.match(lines.map((line) => line.slice(-30).trim()).join(" "), /deaf\.sh|sleep/);
	}
});
