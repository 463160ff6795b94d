import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lastcall } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { writeConfig } from "../helpers/lastcall.ts";

test("lastcall check prints the plan, and starts nothing", async () => {
	using config = writeConfig({
		stopTimeout: "20s",
		drainDelay: "2s",
		jobs: {
			web: {
				command: ["sh", "-c", "exec echo started"],
				dependsOn: ["migrate"],
				readiness: { http: "http://127.0.0.1:1/" },
				stopTimeout: "5s",
				liveness: { heartbeat: "30s" },
			},
			migrate: { command: ["true"], readiness: "exit", essential: false },
		},
	});
	const { code, stdout } = await lastcall(["check", config.path]);
	assert.equal(code, 0);
	assert.equal(
		stdout,
		`${config.path} is fine

Wave 1
  migrate: true; ready by exit; restart no; not essential
Wave 2
  web: sh -c "exec echo started"; after migrate; ready by http://127.0.0.1:1/; restart no; alive by a heartbeat within 30.0 s; stop timeout 5.0 s

Stop timeout 20.0 s (the configuration)
The waves stop in the opposite order; all jobs together have 19.0 s, the first 2.0 s of it for load balancers to notice
The last 1.0 s are kept for late jobs, stragglers and the report
`,
	);
});

test("lastcall check says what will most likely go wrong, and nothing where it is not sure", async () => {
	using project = makeDirectory({
		"lastcall.config.json": JSON.stringify({
			stopTimeout: "10s",
			jobs: {
				// Nothing is wrong with these.
				fine: { thread: "fine.mjs" },
				notify: { thread: "ready.mjs", readiness: "notify" },
				again: { thread: "again.mjs" },
				alive: { thread: "alive.mjs", liveness: { heartbeat: "30s", explicit: true } },
				beating: { command: ["node", "beating.js"], cwd: ".", liveness: { heartbeat: "30s" } },
				shell: { command: ["sh", "-c", "exec node server.js"] },
				script: { command: ["sh", "-c", `a=1; echo \${a}`] },
				node: { command: ["node", "--test", "nothing.js"] },
				// Something is with these.
				none: { thread: "none.mjs" },
				ready: { thread: "ready.mjs" },
				long: { command: ["true"], stopTimeout: "20s" },
				wrapped: { command: ["sh", "-c", "node server.js"] },
				missing: { command: ["node", "server.js"] },
				mute: { thread: "fine.mjs", liveness: { heartbeat: "30s", explicit: true } },
				silent: { command: ["node", "silent.js"], cwd: ".", liveness: { heartbeat: "30s" } },
				home: { command: ["true", `\${HOME}/x`], env: { A: `\${HOME}` } },
			},
		}),
		"fine.mjs": "export default function fine() {}",
		"ready.mjs": "export default ({ ready }) => ready();",
		"again.mjs": "export * from './fine.mjs';",
		"alive.mjs": "export default ({ alive }) => alive();",
		"beating.js": "import './notify.js';",
		"silent.js": "setInterval(() => {}, 1_000);",
		"none.mjs": "export function none() {}",
	});
	const path = join(project.path, "lastcall.config.json");
	const { code, stdout } = await lastcall(["check", path]);
	assert.equal(code, 0);
	const [head, ...hints] = stdout.slice(0, stdout.indexOf("\n\n")).split("\n");
	assert.equal(head, `${path} can be used, but look at this:`);
	for (const [index, pattern] of [
		/^ {2}jobs\.none\.thread: .* has no default export/,
		/^ {2}jobs\.ready\.readiness: the job calls ready\(\), but counts as ready from its start on/,
		/^ {2}jobs\.long\.stopTimeout: 20\.0 s is more than all jobs together have, 9\.0 s/,
		/^ {2}jobs\.wrapped\.command: a shell stands between/,
		/^ {2}jobs\.missing\.command: "server\.js" not found/,
		/^ {2}jobs\.mute\.liveness\.explicit: the job never calls alive\(\)/,
		/^ {2}jobs\.silent\.liveness\.heartbeat: "silent\.js" never sends WATCHDOG=1/,
		/^ {2}jobs\.home\.command: .* stays as it is/,
		/^ {2}jobs\.home\.env\.A: .* stays as it is/,
	].entries())
		assert.match(hints[index] ?? "", pattern);
	assert.equal(hints.length, 9, hints.join("\n"));
});

test("lastcall check shows a command that is text, or from the command line, as it is run", async () => {
	using config = writeConfig({ jobs: { it: { command: String.raw`sleep  1\ 0 2` } } });
	const { code, stdout } = await lastcall(["check", config.path]);
	assert.equal(code, 0);
	assert.match(stdout, /^ {2}it: sleep "1 0" 2;/m);
	const program = await lastcall(["check", "--", "sleep", "3"]);
	assert.match(program.stdout, /^The configuration of the command line is fine\n/);
	assert.match(program.stdout, /^ {2}sleep: sleep 3;/m);
});

test("a program of the command line may have any name, also one that no job may have", async () => {
	for (const name of ["constructor", "__proto__", "prototype", "..."]) {
		using folder = makeDirectory({ [name]: "#!/bin/sh\n" });
		const path = join(folder.path, name);
		chmodSync(path, 0o755);
		const { stdout, stderr } = await lastcall(["check", "--", path]);
		assert.equal(stderr, "");
		assert.match(stdout, /^ {2}program: /m, name);
	}
	const { stderr } = await lastcall(["check", "--", "./nothing"]);
	assert.match(stderr, /^lastcall: Cannot use the configuration of the command line:\n/);
});

test("lastcall check hints at what only a shell would read in a command that is text", async () => {
	using config = writeConfig({
		jobs: {
			text: { command: "true $HOME && true | true 2>&1" },
			list: { command: ["true", "$HOME", "&&", ">"] },
			fine: { command: "true ^a$ a>b --x=1|2 &" },
		},
	});
	const { code, stdout } = await lastcall(["check", config.path]);
	assert.equal(code, 0);
	const [, ...hints] = stdout.slice(0, stdout.indexOf("\n\n")).split("\n");
	assert.equal(hints.length, 4, hints.join("\n"));
	for (const [index, word] of ["$HOME", "&&", "|", "2>&1"].entries())
		assert.ok((hints[index] ?? "").startsWith(`  jobs.text.command: "${word}" `), hints.join("\n"));
});

test("lastcall check says where the stop timeout comes from", async () => {
	using config = writeConfig({ jobs: { it: { command: ["true"] } } });
	for (const [env, words] of [
		[{ LASTCALL_STOP_TIMEOUT: "7s" }, "7.0 s (LASTCALL_STOP_TIMEOUT)"],
		[{ KUBERNETES_SERVICE_HOST: "x" }, "30.0 s (Kubernetes's default"],
		[{ FLY_APP_NAME: "x" }, "5.0 s (Fly.io's default"],
	] as const) {
		const { stdout } = await lastcall(["check", config.path], { env });
		assert.ok(stdout.includes(`Stop timeout ${words}`), stdout);
	}
	const { stdout } = await lastcall(["check", config.path, "--stop-timeout", "3s"]);
	assert.match(stdout, /Stop timeout 3\.0 s \(--stop-timeout\)/);
});

test("lastcall check refuses a stop timeout of nothing, and blames nothing else", async () => {
	using config = writeConfig({ jobs: { it: { command: ["true"] } } });
	const env = { LASTCALL_STOP_TIMEOUT: "0s" };
	const { code, stderr } = await lastcall(["check", config.path], { env });
	assert.equal(code, 2);
	assert.match(stderr, /Cannot use the stop timeout: found 0 ms/);
});

test("lastcall check ends with 2 when something is wrong", async () => {
	using config = writeConfig({ jobs: { it: { command: ["nodee"] } } });
	const { code, stderr } = await lastcall(["check", config.path]);
	assert.equal(code, 2);
	assert.match(stderr, /Cannot use jobs\.it\.command: "nodee" not found/);
});

test("lastcall check refuses a drain delay that leaves the jobs no time", async () => {
	using config = writeConfig({ stopTimeout: "5s", drainDelay: "5s", jobs: { it: { command: ["true"] } } });
	const { code, stderr } = await lastcall(["check", config.path]);
	assert.equal(code, 2);
	assert.match(stderr, /Cannot use drainDelay: found 5\.0 s, expected less than/);
});

test("lastcall check names each file of a job that cannot be parsed, with the line, and runs none", async () => {
	const files = {
		"module.mjs": "export default async ({ flag }) => {\n\tawait flag.raised(\n}",
		"types.mts": "export default async ({ flag }: { flag: unknown }) => {\n\tawait (\n}",
		"enum.ts": "export default () => {};\nenum Kind { A }",
		"common.cjs": '"use strict";\nmodule.exports = () => {',
		"fine.cjs":
			"#!/usr/bin/env node\nmodule.exports = () => {}; console.log('run'); if (module.id) return;\n`\nexport A=1`",
		"fine.js": "export default () => {}; console.log('run');",
		"fine.mts": "import type { A } from './missing.mts'; export default (a: A) => console.log(a);",
	};
	const jobs = Object.fromEntries(Object.keys(files).map((file) => [file.replace(".", "-"), { thread: file }]));
	using project = makeDirectory({ ...files, "lastcall.config.json": JSON.stringify({ jobs }) });
	const { code, stdout, stderr } = await lastcall(["check", join(project.path, "lastcall.config.json")]);
	assert.deepEqual([code, stdout], [2, ""]);
	const [head = "", ...mistakes] = stderr.trimEnd().split("\n");
	assert.match(head, /^lastcall: Cannot use the configuration .*lastcall\.config\.json:$/);
	const expected = [
		/jobs\.module-mjs\.thread: ".*module\.mjs", line 3: SyntaxError: Unexpected token/,
		/jobs\.types-mts\.thread: ".*types\.mts", line 3: /,
		/jobs\.enum-ts\.thread: ".*enum\.ts", line 2: TypeScript enum is not supported/,
		/jobs\.common-cjs\.thread: ".*common\.cjs", line 2: SyntaxError: Unexpected end of input/,
	];
	assert.equal(mistakes.length, expected.length, stderr);
	for (const [index, pattern] of expected.entries()) assert.match(mistakes[index] ?? "", pattern);
});

test("lastcall check names a second configuration, which is not read", async () => {
	const text = JSON.stringify({ jobs: { it: { command: ["true"] } } });
	using project = makeDirectory({ "lastcall.config.json": text, "lastcall.config.yaml": text });
	const { code, stdout } = await lastcall(["check"], { cwd: project.path });
	assert.equal(code, 0);
	assert.match(stdout, /^ {2}lastcall\.config\.yaml is not read: lastcall\.config\.json comes first$/m);
});
