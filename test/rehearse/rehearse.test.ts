/** `lastcall rehearse` with programs and configurations. Images: test/container/rehearse.test.ts. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { listProcesses } from "../../src/os/processes/processes.ts";
import { randomMoments } from "../../src/rehearse/moments.ts";
import type { Report } from "../../src/rehearse/report.ts";
import { lastcall } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { fixture, writeConfig } from "../helpers/lastcall.ts";
import { Lines } from "../helpers/lines.ts";
import { MAIN } from "../helpers/main.ts";
import { freePort } from "../helpers/ports.ts";
import { openPty } from "../helpers/pty.ts";
import { until } from "../helpers/until.ts";

/** Flags for so many runs, whose signal comes when the program has long started. */
function afterTheStart(runs: number, leastMs = 400): string[] {
	const withinMs = 2_000;
	for (let seed = 0; ; seed++)
		if (randomMoments(runs, withinMs, seed).every((moment) => moment > leastMs && moment < leastMs + 600))
			return ["--runs", String(runs), "--within", `${withinMs}ms`, "--seed", String(seed)];
}

async function rehearse(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
	const { code, stdout, stderr } = await lastcall(["rehearse", "--json", ...args], { env });
	assert.ok(stdout.startsWith("{"), stderr);
	return { code, stderr, report: JSON.parse(stdout) as Report };
}

const LOOP = "while :; do sleep 0.05; done";
const good = `trap 'echo closed; exit 0' TERM; echo up; ${LOOP}`;

suite("lastcall rehearse", { concurrency: 2 }, () => {
	test("says before it starts how often it starts what, and ends with 0 when all stops held", async () => {
		const { code, stderr, report } = await rehearse([...afterTheStart(2), "--", "sh", "-c", good]);
		assert.match(stderr, /^lastcall: Starts sh -c .* 2 times as PID 1 of a new PID namespace, /);
		assert.match(stderr, /migrations.* is done 2 times\. A stop may take 10\.0 s \(Docker's default\)\.$/m);
		assert.equal(code, 0, stderr);
		assert.equal(report.held, true);
		assert.equal(report.kind, "namespace");
		assert.deepEqual(report.exitCodes, { 0: 2 });
		assert.deepEqual(
			report.runs.map(({ outcome, listens, output }) => [outcome, listens, output.lastLine]),
			[
				["stopped", true, "closed"],
				["stopped", true, "closed"],
			],
		);
		assert.deepEqual(
			report.verdicts.map(({ level }) => level),
			["ok"],
			JSON.stringify(report),
		);
	});

	test("ends with 1 when a stop is late: says who was, where it was, and what to do", async () => {
		const flags = [...afterTheStart(1), "--stop-timeout", "300ms"];
		const { code, report } = await rehearse([...flags, "--", "sh", "-c", "sleep 1000; true"]);
		assert.equal(code, 1);
		assert.equal(report.held, false);
		const [run] = report.runs;
		assert.deepEqual([run?.outcome, run?.exitCode, run?.listens], ["late", 137, false]);
		assert.deepEqual(
			run?.late.map(({ command, where }) => [command, where?.state]),
			[
				["sh -c sleep 1000; true", "S"],
				["sleep 1000", "S"],
			],
		);
		const [worst] = report.verdicts;
		assert.equal(worst?.level, "error");
		assert.match(worst?.finding ?? "", /^1 of 1 stops did nothing until SIGKILL: PID 1 is `sh -c sleep 1000; true`/);
		assert.match(
			worst?.remedy ?? "",
			/the signal stops at sh: make `sleep 1000` the command itself, CMD \["sleep", "1000"\]/,
		);
	});

	test("says what the end of PID 1 cut off, and which zombies it has left", async () => {
		const script = `
			const { spawn } = require("node:child_process");
			spawn("sh", ["-c", "trap '' TERM; (/bin/true &) ; sleep 1000"]);
			process.on("SIGTERM", () => setTimeout(() => process.exit(3), 200));
			setInterval(() => {}, 1000);`;
		const { code, report } = await rehearse([...afterTheStart(1), "--", process.execPath, "-e", script]);
		assert.equal(code, 0);
		const [run] = report.runs;
		assert.deepEqual(run?.zombies, ["[true]"]);
		assert.ok(run?.cutOff.includes("sleep 1000"), JSON.stringify(run));
		assert.deepEqual(
			report.verdicts.map(({ level, finding }) => [level, finding.slice(0, 30)]),
			[
				["warning", "1 of 1 stops cut work off: `sh"],
				["warning", "1 of 1 stops ended with exit c"],
				["warning", "1 of 1 runs had zombies before"],
				["ok", "1 of 1 stops held the stop tim"],
			],
		);
	});

	test("runs a configuration by lastcall run, with its stop timeout, and names the job that had to be killed", async () => {
		using config = writeConfig({
			stopTimeout: "20s",
			jobs: { busy: { thread: fixture("busy"), stopTimeout: "300ms" } },
		});
		const { code, report } = await rehearse([...afterTheStart(1), config.path]);
		assert.deepEqual(report.stopTimeout, { ms: 20_000, source: "the configuration" });
		const [run] = report.runs;
		assert.equal(run?.exitCode, 124, JSON.stringify(run));
		assert.equal(code, 0);
		assert.match(report.verdicts[0]?.finding ?? "", /^1 of 1 stops were in time by force only: .* job busy/);
	});

	test("finds mistakes before it starts anything", async () => {
		using config = writeConfig({ jobs: {} });
		const { code, stdout, stderr } = await lastcall(["rehearse", config.path]);
		assert.deepEqual([code, stdout], [2, ""]);
		assert.match(stderr, /^lastcall: Cannot use the configuration .*:\n {2}Cannot use jobs: found no job/);
		assert.doesNotMatch(stderr, /Starts/);
	});

	test("says so when the program does not run until the signal", async () => {
		const { code, report } = await rehearse([...afterTheStart(2), "--", "sh", "-c", "echo no database; exit 7"]);
		assert.equal(code, 1);
		assert.match(
			report.verdicts[0]?.finding ?? "",
			/^2 of 2 runs ended before .* exit code 7 \(2 ×\); .* "no database"$/,
		);
	});

	test("counts the requests that fail while it stops", async () => {
		const serve = (onStop: string) => `
			const server = require("node:http").createServer((_, response) => setTimeout(() => response.end(), 300));
			server.listen(process.argv[1]);
			process.on("SIGTERM", () => ${onStop});`;
		const probe = async (onStop: string) => {
			const port = String(await freePort());
			const flags = [...afterTheStart(1, 900), "--probe", `http://127.0.0.1:${port}/`];
			const { report } = await rehearse([...flags, "--", process.execPath, "-e", serve(onStop), port]);
			return report;
		};
		const [abrupt, graceful] = await Promise.all([probe("process.exit()"), probe("server.close()")]);
		const [broken, answered] = [abrupt, graceful].map(({ runs }) => runs[0]?.probe);
		assert.deepEqual([broken?.wasUp, answered?.wasUp], [true, true]);
		// Some that wait in the listening socket when it is closed are broken off, too.
		assert.ok((answered?.failed ?? 0) * 3 < (broken?.failed ?? 0), JSON.stringify([broken, answered]));
		assert.match(abrupt.verdicts[0]?.finding ?? "", /requests during 1 stops were broken off/);
	});

	test("without a PID namespace adopts the orphans itself, says what that cannot show, and leaves none", async () => {
		const mark = `0.${randomUUID().replaceAll(/\D/g, "")}`;
		const script = `/bin/sleep 1000${mark} & trap 'exit 0' TERM; while :; do /bin/sleep 0.05; done`;
		const flags = [...afterTheStart(1), "--", "/bin/sh", "-c", script];
		const { code, report } = await rehearse(flags, { PATH: "/none" });
		assert.equal(code, 0);
		assert.equal(report.kind, "subreaper");
		assert.match(report.limits[0] ?? "", /^what the kernel does for PID 1 alone/);
		assert.deepEqual(
			report.runs[0]?.cutOff.filter((command) => command.includes(mark)),
			[`/bin/sleep 1000${mark}`],
		);
		await until(() => !isThere(mark), "nothing is left");
	});

	test("writes a page for a browser with its pictures inside, and annotations for GitHub Actions", async () => {
		using folder = makeDirectory();
		const html = join(folder.path, "report.html");
		const flags = [...afterTheStart(1), "--html", html, "--", "sh", "-c", good];
		const { stderr } = await rehearse(flags, { GITHUB_ACTIONS: "true" });
		assert.match(stderr, /^::notice title=The stop of sh -c .*::1 of 1 stops held the stop timeout of 10\.0 s$/m);
		const page = readFileSync(html, "utf8");
		assert.match(page, /<svg [^>]*role="img" aria-label="How long each of 1 stops took/);
		assert.match(page, /<circle class="ok"/);
		assert.doesNotMatch(page, /https?:|<script|src=|url\(/);
	});

	test("prints a report that fits its reader's columns", async () => {
		const { stdout } = await lastcall(["rehearse", ...afterTheStart(1), "--", "sh", "-c", good]);
		assert.match(stdout, /^p50 {4}.*┊.* \d+ ms$/m);
		assert.match(stdout, /^✓ 1 of 1 stops held the stop timeout of 10\.0 s$/m);
		for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
	});

	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
		test(`ends at ${signal}, and leaves nothing`, async () => {
			const mark = randomUUID();
			const args = [MAIN, "rehearse", "--within", "1h", "--seed", "1", "--", "sh", "-c", `${LOOP} # ${mark}`];
			const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
			const lines = Lines.from(child.stdout, child.stderr);
			await until(() => isThere(mark, "sh"), "it runs");
			child.kill(signal);
			const [code] = await once(child, "exit");
			assert.equal(code, 128 + constants.signals[signal], lines.text);
			await until(() => !isThere(mark), "nothing is left");
		});

	test("asks on a terminal, and starts nothing without a yes", async () => {
		using folder = makeDirectory();
		const file = join(folder.path, "started");
		const args = [MAIN, "rehearse", "--runs", "1", "--", "sh", "-c", `touch ${file}`];
		await using terminal = openPty(process.execPath, args);
		await terminal.lines.waitFor(/Starts sh /);
		terminal.type("n\r");
		assert.equal((await terminal.exit()).code, 1);
		assert.throws(() => readFileSync(file));
	});
});

function isThere(mark: string, program = ""): boolean {
	return listProcesses().some(({ command }) => command.startsWith(program) && command.includes(mark));
}
