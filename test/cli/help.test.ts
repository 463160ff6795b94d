import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SUBCOMMANDS } from "../../src/cli/args.ts";
import { lastcall } from "../helpers/cli.ts";
import { ours, runInit } from "../helpers/inits.ts";

/** A terminal's size, where nobody has changed it. */
const LINES = 24;
const COLUMNS = 80;

const overview = await lastcall(["--help"]);

function assertFitsOnScreen(text: string): void {
	const lines = text.trimEnd().split("\n");
	assert.ok(lines.length <= LINES, `${lines.length} lines\n${text}`);
	for (const line of lines) assert.ok(line.length <= COLUMNS, line);
}

suite("the overview", () => {
	test("fits on one screen, and has a line for each subcommand before all else", () => {
		assert.equal(overview.code, 0);
		assert.equal(overview.stderr, "");
		assertFitsOnScreen(overview.stdout);
		const [usage, , , head, ...lines] = overview.stdout.split("\n");
		assert.equal(usage, "Usage: lastcall COMMAND [ARGUMENTS]");
		assert.equal(head, "Commands");
		for (const [index, name] of SUBCOMMANDS.entries())
			assert.match(lines[index] ?? "", new RegExp(`^ {2}${name} +[A-Z]`));
	});

	test("is what lastcall help and -h print, too", async () => {
		for (const args of [["help"], ["-h"], ["help", "help"], ["help", "-h"]])
			assert.deepEqual(await lastcall(args), overview, args.join(" "));
	});

	test("says where the rest is", async () => {
		assert.match(overview.stdout, /^ {2}lastcall help COMMAND /m);
		assert.match(overview.stdout, /^ {2}lastcall-init -h /m);
		const flags = await runInit(ours("lastcall-init"), ["-h"], { asInit: false });
		assert.match(flags.stdout, /--kill-stragglers/);
	});

	test("is the answer to lastcall alone, on standard error, with what is missing and 2", async () => {
		const found = "lastcall: Cannot start: found no command and no program, expected one of the above\n";
		assert.deepEqual(await lastcall([]), { code: 2, stdout: "", stderr: `${overview.stdout}\n${found}` });
	});

	test("is none to another name alone: that one prints its own", async () => {
		for (const name of ["tini", "docker-init", "dumb-init", "lastcall-init"]) {
			const found = await runInit(ours(name), [], { asInit: false });
			assert.equal(found.code, 1, name);
			assert.match(found.stderr, new RegExp(`^Usage: ${name} \\[`, "m"));
		}
	});
});

/** What is found on each page, so that no fact gets lost. */
const facts: Readonly<Record<(typeof SUBCOMMANDS)[number], readonly RegExp[]>> = {
	init: [
		/pm2's ecosystem file, a Procfile,\s+or the scripts of package\.json/,
		/Overwrites nothing/,
		/default: ecosystem\.config\.js, \.cjs, \.mjs,\s+Procfile, package\.json in the working directory/,
		/^-y, --yes +write lastcall\.config\.json$/m,
		/^Exit code {2}0 {2}done$/m,
	],
	run: [
		/ask.* each job to stop.*join.* each job.*report.*exit/s,
		/lastcall\.config\.ts, \.mts,\s+\.js, \.mjs, \.json, \.yaml, \.yml in the working directory/,
		/--stop-timeout DURATION.*SIGKILL,\s+such as 10s/s,
		/Environment variables override the configuration/,
		/LASTCALL_STOP_TIMEOUT +as --stop-timeout/,
		/LASTCALL_SOCKET +path/,
		/LASTCALL_TERMINATION_MESSAGE +file for the summary of a failed run/,
		/LASTCALL_LOG_LEVEL +trace, debug, info, warn, error, fatal, silent/,
		/LASTCALL_LOG_FORMAT +json or pretty/,
		/SIGTERM, SIGINT: stop\. A second SIGINT/,
		/SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGALRM: passed/,
		/^Exit code {2}0 {4}every job joined after a requested stop$/m,
		/^ +1 {4}a job failed$/m,
		/^ +2 {4}wrong configuration or arguments: nothing was started$/m,
		/^ +124 {2}something had to be killed at the deadline$/m,
		/^ +n {4}an essential job ended with code n, or by signal n - 128$/m,
	],
	check: [/--stop-timeout/, /LASTCALL_STOP_TIMEOUT/, / 2 {2}wrong config/],
	status: [/--json/, /--watch/, /--socket PATH/, /0 {2}.*ready\n.*1 {2}/],
	stop: [/stop \[JOB\] \[--socket PATH\]/, /whole program/, /LASTCALL_SOCKET/],
	start: [/start JOB \[--no-wait\]/, /LASTCALL_SOCKET/],
	restart: [/restart JOB \[--no-wait\]/, /until it is ready/, /LASTCALL_SOCKET/],
	signal: [/signal JOB SIGNAL \[--socket PATH\]/, /LASTCALL_SOCKET/],
	rehearse: [
		...[
			/\[CONFIG \| -- PROGRAM/,
			/--image IMAGE \[-- OPTIONS/,
			/--runs N.* 20$/m,
			/--within DURATION.* 3s$/m,
			/--probe URL/,
		],
		...[/--json/, /--html FILE/, /-y, --yes/, /--seed N/, /1 {2}one did not, or nothing could be stopped/],
	],
};

for (const name of SUBCOMMANDS)
	test(`lastcall help ${name} has ${name} alone on one screen`, async () => {
		const page = await lastcall(["help", name]);
		assert.equal(page.code, 0, page.stderr);
		assert.ok(page.stdout.startsWith(`Usage: lastcall ${name} `), page.stdout);
		assertFitsOnScreen(page.stdout);
		for (const fact of facts[name]) assert.match(page.stdout, fact);
		const others = SUBCOMMANDS.filter((other) => other !== name);
		for (const other of others) assert.ok(!page.stdout.includes(`lastcall ${other}`), other);
		for (const flag of ["--help", "-h"]) assert.deepEqual(await lastcall([name, flag]), page, flag);
	});

test("lastcall help about something else says what there is", async () => {
	for (const words of [["nonsense"], ["run", "check"]]) {
		const { code, stdout, stderr } = await lastcall(["help", ...words]);
		assert.deepEqual([code, stdout], [2, ""]);
		assert.equal(
			stderr,
			`lastcall: Cannot help with "${words.join(" ")}": expected one of run, check, status, stop, start, restart, signal, rehearse, init; or lastcall-init -h for the flags of a program\n`,
		);
	}
});
