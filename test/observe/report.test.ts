import assert from "node:assert/strict";
import { test } from "node:test";
import { drawTimeline, summarizeFailure } from "../../src/observe/stop-report.ts";
import type { StopReport } from "../../src/supervisor/events.ts";

const report: StopReport = {
	reason: { type: "signal", signal: "SIGTERM", number: 15, early: false },
	jobs: [
		{ job: "db", askedMs: 5_000, tookMs: 1_000, leftMs: 3_000, exit: { outcome: "finished" } },
		{
			job: "mailer",
			askedMs: 0,
			tookMs: 5_000,
			leftMs: 0,
			exit: { outcome: "killed" },
			killed: {
				waitedMs: 4_950,
				where: {
					type: "javascript",
					stack: [
						{ function: "readSync", file: "node:fs", line: 700 },
						{ function: "flush", file: "/app/mailer.ts", line: 42 },
					],
				},
			},
		},
		{ job: "migrate", endedBefore: true, tookMs: 0, exit: { outcome: "exited", code: 0 } },
	],
	stragglers: { found: [], killed: [], forced: false },
	tookMs: 6_060,
	budgetMs: 10_000,
	jobsMs: 9_000,
	exitCode: 124,
};

test("drawTimeline() draws when each job was asked and when it was gone, within the budget", () => {
	assert.deepEqual(drawTimeline(report, 80), [
		"        0                   ┊ │ ┊ deadline 9.0 s, │ stop timeout 10.0 s",
		"migrate                     ┊ │ before: exited with code 0",
		"mailer  ━━━━━━━━━━━✕        ┊ │ killed after 5.0 s: in flush (/app/mailer.ts:42)",
		"db                 ━━╸      ┊ │ finished after 1.0 s, 3.0 s left",
	]);
});

test("drawTimeline() breaks what is too long for the terminal", () => {
	assert.deepEqual(drawTimeline(report, 40), [
		"        0        ┊│ ┊ deadline 9.0 s, │",
		"                    stop timeout 10.0 s",
		"migrate          ┊│ before: exited with",
		"                    code 0",
		"mailer  ━━━━━✕   ┊│ killed after 5.0 s:",
		"                    in flush",
		"                    (/app/mailer.ts:42)",
		"db           ━╸  ┊│ finished after 1.0",
		"                    s, 3.0 s left",
	]);
});

test("summarizeFailure() says what failed, and nothing of what did not", () => {
	assert.equal(
		summarizeFailure(report),
		`Exit code 124, stopped in 6.1 s of 10.0 s: SIGTERM
mailer: killed after 5.0 s: in flush (/app/mailer.ts:42)
`,
	);
});
