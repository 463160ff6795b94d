/** A configuration is checked whole: every mistake is told, with what was found, expected, and probably meant. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import type { CheckedConfig } from "../../src/config/schema.ts";
import { validateConfig } from "../../src/config/validate.ts";

async function read(text: string, name = "lastcall.config.yaml") {
	const directory = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	try {
		writeFileSync(join(directory, "job.js"), "");
		writeFileSync(join(directory, name), text);
		const loaded = await loadConfig(undefined, directory);
		return validateConfig(loaded, { PATH: "/usr/bin:/bin" });
	} finally {
		rmSync(directory, { recursive: true });
	}
}

async function mistakesOf(text: string): Promise<string[]> {
	try {
		await read(text);
		return [];
	} catch (error) {
		const { name, message } = error as Error;
		assert.equal(name, "UserError");
		const [, ...lines] = message.split("\n");
		return lines.map((line) => line.replace("  Cannot use ", ""));
	}
}

test("validateConfig() tells ten mistakes at once", async () => {
	const mistakes = await mistakesOf(`
stopTimout: 10s
drainDelay: 5
http: {port: 70000}
jobs:
  mailer: {thread: ./job.js, stopTimeout: 10, restart: on-fail}
  web: {command: [nodee, x.js], dependsOn: [mailr]}
  both: {thread: ./job.js, command: ["true"]}
  none: {env: {PORT: 8080}}
  proc: {command: ["true"], data: 1, stopSignal: TERM}
  gone: {thread: ./nothing.js}
  a: {command: ["true"], dependsOn: [b], readiness: {htp: x}}
  b: {command: ["true"], dependsOn: [a]}
  once: {command: ["true"], readiness: exit, restart: always}
`);
	const expected = [
		/^stopTimout: no such field; did you mean "stopTimeout"\?$/,
		/^drainDelay: 5 has no unit, expected a duration such as "10s"$/,
		/^http.port: found 70000, expected at most 65535$/,
		/^jobs.mailer.stopTimeout: 10 has no unit, expected a duration such as "10s"$/,
		/^jobs.mailer.restart: found "on-fail", expected one of no, on-failure, always$/,
		/^jobs.web.command: "nodee" not found as a program \(looked on PATH, \/usr\/bin:\/bin, and in node_modules\/.bin\)$/,
		/^jobs.web.dependsOn: no job is called "mailr"; did you mean "mailer"\?$/,
		/^jobs.both.command: found both "thread" and "command", expected one of them$/,
		/^jobs.none.thread: missing, expected "thread" \(a file\), "process" \(a file\) or "command"/,
		/^jobs.none.env.PORT: found 8080, expected string \(in quotes: "8080"\)$/,
		/^jobs.proc.data: only a job that is a function has this field$/,
		/^jobs.proc.stopSignal: found "TERM", expected one of SIGHUP, .*; did you mean/,
		/^jobs.gone.thread: ".\/nothing.js" not found \(looked at \/.*\)$/,
		/^jobs.a.readiness: found Object, expected "notify", "exit", \{http: URL\} or \{tcp: "HOST:PORT"\}$/,
		/^jobs.a.dependsOn: found a cycle \(a → b → a\), so none of them could ever start$/,
		/^jobs.once.restart: found "always" together with readiness "exit", expected "no" or "on-failure"$/,
	];
	for (const pattern of expected)
		assert.ok(
			mistakes.some((mistake) => pattern.test(mistake)),
			`${pattern}\n${mistakes.join("\n")}`,
		);
	assert.equal(mistakes.length, expected.length, mistakes.join("\n"));
});

test("validateConfig() knows a function in a process, and keeps it apart from the other kinds", async () => {
	const mistakes = await mistakesOf(`
jobs:
  both: {process: ./job.js, command: ["true"]}
  two: {process: ./job.js, thread: ./job.js}
  gone: {process: ./nothing.js, cwd: ./nowhere, stopTimeout: 1}
  limits: {process: ./job.js, resourceLimits: {stackSizeMb: 4, maxOldGenerationSizeMb: 1}}
  flag: {process: ./job.js, flag: true}
  thread: {thread: ./job.js, flag: true, cwd: .}
  text: {command: ["true"], flag: "yes"}
  typo: {process: ./job.js, stopSignl: SIGINT}
`);
	const expected = [
		/^jobs.both.command: found both "process" and "command", expected one of them$/,
		/^jobs.two.process: found both "thread" and "process", expected one of them$/,
		/^jobs.gone.stopTimeout: 1 has no unit/,
		/^jobs.gone.cwd: ".\/nowhere" is not a folder/,
		/^jobs.gone.process: ".\/nothing.js" not found \(looked at \/.*\)$/,
		/^jobs.limits.resourceLimits.stackSizeMb: only a thread has this limit$/,
		/^jobs.limits.resourceLimits.maxOldGenerationSizeMb: found 1, expected at least 10$/,
		/^jobs.flag.flag: only a job with a command has this field; the process has its flag$/,
		/^jobs.thread.flag: only a job with a command has this field; a thread has its flag$/,
		/^jobs.thread.cwd: only a process has this field$/,
		/^jobs.text.flag: found "yes", expected boolean$/,
		/^jobs.typo.stopSignl: no such field; did you mean "stopSignal"\?$/,
	];
	for (const pattern of expected)
		assert.ok(
			mistakes.some((mistake) => pattern.test(mistake)),
			`${pattern}\n${mistakes.join("\n")}`,
		);
	assert.equal(mistakes.length, expected.length, mistakes.join("\n"));
});

test("validateConfig() names every unknown field, and looks for files and programs of jobs with other mistakes, too", async () => {
	const mistakes = await mistakesOf(`
oops: 1
another: 2
jobs:
  a: {thread: ./none.js, stopTimeout: 10, foo: 1, bar: 2}
  b: {command: [nodee], cwd: ./nowhere, restart: x}
  c: {command: nodee}
`);
	const expected = [
		/^oops: no such field/,
		/^another: no such field/,
		/^jobs.a.stopTimeout: 10 has no unit/,
		/^jobs.a.foo: no such field/,
		/^jobs.a.bar: no such field/,
		/^jobs.a.thread: ".\/none.js" not found/,
		/^jobs.b.restart: found "x"/,
		/^jobs.b.cwd: ".\/nowhere" is not a folder/,
		/^jobs.b.command: "nodee" not found/,
		/^jobs.c.command: "nodee" not found/,
	];
	for (const pattern of expected)
		assert.ok(
			mistakes.some((mistake) => pattern.test(mistake)),
			`${pattern}\n${mistakes.join("\n")}`,
		);
	assert.equal(mistakes.length, expected.length, mistakes.join("\n"));
});

test("validateConfig() refuses names that it could not keep apart", async () => {
	const [first, second] = await mistakesOf(`
jobs:
  "a/b": {command: ["true"]}
  constructor: {command: ["true"]}
`);
	assert.match(first ?? "", /^jobs.a\/b: found the name "a\/b"/);
	assert.match(second ?? "", /^jobs.constructor: found the name "constructor"/);
});

test("validateConfig() fills in defaults and makes paths absolute", async () => {
	const { jobs, drainDelay } = await read(`
jobs:
  it: {command: ["true"], cwd: ., startTimeout: 1m30s, readiness: {tcp: "[::1]:80"}}
`);
	assert.equal(drainDelay, 0);
	const { it } = jobs as CheckedConfig["jobs"];
	assert.ok(it && "command" in it);
	assert.ok(it.cwd?.startsWith("/"));
	const { cwd: _, ...rest } = it;
	assert.deepEqual(rest, {
		command: ["true"],
		dependsOn: [],
		env: {},
		envFile: [],
		essential: true,
		overlap: "skip",
		readiness: { tcp: "[::1]:80" },
		restart: "no",
		restartDelay: 1_000,
		startTimeout: 90_000,
		stopSignal: "SIGTERM",
		successExitCodes: [],
		variables: {},
	});
});

test("loadConfig() reads YAML, in which no is a word", async () => {
	const { jobs } = await read("jobs: {it: {command: ['true'], restart: no}}", "lastcall.config.yml");
	assert.equal(jobs.it?.restart, "no");
});

test("loadConfig() shows the place of a mistake in YAML", async () => {
	await assert.rejects(read("jobs:\n  it: [\n"), /Cannot read the configuration .*lastcall.config.yaml: .*line 3/s);
});

test("validateConfig() splits a command that is text at its blanks", async () => {
	const { jobs } = await read(String.raw`jobs: {a: {command: ' sh  -c exit\ 3 '}}`);
	assert.deepEqual(jobs.a && "command" in jobs.a && jobs.a.command, ["sh", "-c", "exit 3"]);
});
