/** judge() on what real runs looked like. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Run } from "../../src/rehearse/rehearsal.ts";
import { judge, programOf } from "../../src/rehearse/verdicts.ts";

const stopped: Run = {
	signalledAfterMs: 1_000,
	outcome: "stopped",
	exitCode: 0,
	stopMs: 40,
	init: "node server.js",
	others: [],
	listens: true,
	zombies: [],
	late: [],
	cutOff: [],
	output: { lastLine: "closed after 12 requests", isCut: false },
	killedJobs: [],
};
const late: Run = { ...stopped, outcome: "late", exitCode: 137, stopMs: 10_000 };

function verdicts(...runs: readonly Partial<Run>[]) {
	return judge({
		runs: runs.map((run) => ({ ...(run.outcome === "late" ? late : stopped), ...run })),
		budgetMs: 10_000,
		signal: "SIGTERM",
		signalNumber: 15,
	});
}

const levels = (found: ReturnType<typeof verdicts>) => found.map(({ level }) => level);

test("judge() has nothing to say about stops that are well", () => {
	assert.deepEqual(verdicts({}, {}, {}), [{ level: "ok", finding: "3 of 3 stops held the stop timeout of 10.0 s" }]);
});

test("judge() tells a signal that was lost during the start from one that nobody heeds", () => {
	const [lost] = verdicts({ outcome: "late", signalledAfterMs: 12 }, {}, {});
	assert.match(
		lost?.finding ?? "",
		/^1 of 3 stops were most likely lost during the start: SIGTERM came up to 12 ms after it, /,
	);
	assert.match(lost?.remedy ?? "", /ENTRYPOINT \["lastcall", "--"\], or node --import lastcall\/register$/);
	const [sure] = verdicts({ outcome: "late", signalledAfterMs: 40, listens: false }, { signalledAfterMs: 3 }, {});
	assert.match(sure?.finding ?? "", /^1 of 3 stops were lost during the start: SIGTERM came up to 40 ms after it, /);
	const [slow] = verdicts({ outcome: "late", signalledAfterMs: 2_000 }, {}, {});
	assert.match(slow?.finding ?? "", /^1 of 3 stops were not done after 10\.0 s/);
	const [deaf] = verdicts({ outcome: "late", listens: false, init: "python app.py" });
	assert.match(deaf?.finding ?? "", /PID 1 is `python app\.py`, which does not listen to SIGTERM/);
	assert.match(deaf?.remedy ?? "", /docker run --init/);
	const [silent] = verdicts({ outcome: "late", listensLater: false });
	assert.match(
		silent?.finding ?? "",
		/no listener for SIGTERM \(then Node\.js does nothing as PID 1\), or has removed it/,
	);
});

test("judge() names the program behind a wrapper, as the command of a Dockerfile", () => {
	const others = ["sh -c node server.js", "node server.js"];
	const found = verdicts({ outcome: "late", init: "npm start", others, late: [{ command: "node server.js" }] });
	assert.deepEqual(levels(found), ["error", "note"]);
	assert.equal(
		found[0]?.remedy,
		'npm stands between the signal and the program: make `node server.js` the command itself, CMD ["node", "server.js"]',
	);
	assert.equal(found[1]?.remedy, "use `node server.js`");
});

test("judge() puts the worst first", () => {
	const found = verdicts(
		{ zombies: ["[sh]"], exitCode: 143 },
		{ outcome: "late", signalledAfterMs: 2_000 },
		{ cutOff: ["node worker.js"], stopMs: 9_000 },
	);
	assert.deepEqual(levels(found), ["error", "warning", "warning", "warning", "note"]);
	const [, cutOff, zombies, margin, code] = found.map(({ finding }) => finding);
	assert.match(
		cutOff ?? "",
		/^1 of 3 stops cut work off: `node worker\.js` got SIGKILL, from PID 1, `node server\.js`, or since that had ended$/,
	);
	assert.match(zombies ?? "", /^1 of 3 runs had zombies before the stop, up to 1: \[sh\]$/);
	assert.match(margin ?? "", /^1 of 3 stops took more than 80 % of the stop timeout$/);
	assert.match(code ?? "", /^1 of 3 stops ended with 143: SIGTERM itself ended the program/);
});

test("judge() finds output that some stops lack, and does not mind numbers in it", () => {
	const output = (lastLine: string, isCut = false) => ({ output: { lastLine, isCut } });
	assert.deepEqual(levels(verdicts(output("took 12 ms"), output("took 7 ms"), output("took 0x1f ms"))), ["ok"]);
	const [note] = verdicts(output("bye"), output("bye"), { ...output("listening"), signalledAfterMs: 80 });
	assert.match(
		note?.finding ?? "",
		/^1 of 3 stops lack the last line that the others have, "bye"; .* 80 ms after the start$/,
	);
	const [cut] = verdicts(output("bye"), output("by", true));
	assert.match(cut?.finding ?? "", /^1 of 2 stops ended in the middle of a line: "by"$/);
	assert.deepEqual(levels(verdicts(output("> ", true), output("> ", true))), ["ok"]);
});

test("judge() says nothing was stopped when nothing ran until the signal", () => {
	const [only, ...rest] = verdicts({
		outcome: "ended-before",
		exitCode: 1,
		output: { lastLine: "no database", isCut: false },
	});
	assert.equal(only?.level, "error");
	assert.match(
		only?.finding ?? "",
		/^1 of 1 runs ended before the stop signal, with exit code 1 \(1 ×\); .*"no database"$/,
	);
	assert.deepEqual(rest, []);
});

test("judge() tells requests that were broken off from those that got no connection", () => {
	const probe = { wasUp: true, requests: 100, failed: 0, refused: 0 };
	const found = verdicts({ probe: { ...probe, failed: 2 } }, { probe: { ...probe, refused: 3 } });
	assert.deepEqual(
		found.map(({ finding }) => finding.split(" during")[0]),
		["2 of 200 requests", "3 of 200 requests", "2 of 2 stops held the stop timeout of 10.0 s"],
	);
	assert.match(verdicts({ probe: { ...probe, wasUp: false } })[0]?.finding ?? "", /^The probe was never answered/);
});

test("programOf() sees through interpreters, paths and flags", () => {
	for (const [command, program] of [
		["npm start", "npm"],
		["node /usr/local/lib/node_modules/npm/bin/npm-cli.js start", "npm"],
		["/usr/local/bin/node --enable-source-maps /app/node_modules/.bin/lastcall run", "lastcall"],
		["node server.js", "node"],
		["/sbin/docker-init -- sh", "docker-init"],
		["/bin/sh -c x", "sh"],
	] as const)
		assert.equal(programOf(command), program, command);
});
