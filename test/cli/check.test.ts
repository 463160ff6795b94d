import assert from "node:assert/strict";
import { test } from "node:test";
import { lastcall } from "../helpers/cli.ts";
import { writeConfig } from "../helpers/lastcall.ts";

test("lastcall check prints the plan, and starts nothing", async () => {
	using config = writeConfig({
		stopTimeout: "20s",
		drainDelay: "2s",
		jobs: {
			web: {
				command: ["sh", "-c", "echo started"],
				dependsOn: ["migrate"],
				readiness: { http: "http://127.0.0.1:1/" },
				stopTimeout: "5s",
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
  migrate: true; ready by exit; not essential
Wave 2
  web: sh -c echo started; after migrate; ready by http://127.0.0.1:1/; stop timeout 5.0 s

Stop timeout 20.0 s (the configuration)
The waves stop in the opposite order; all jobs together have 19.0 s, the first 2.0 s of it for load balancers to notice
The last 1.0 s are kept for late jobs, stragglers and the report
`,
	);
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
	const { stdout } = await lastcall([
		"check",
		config.path,
		"--stop-timeout",
		"3s",
	]);
	assert.match(stdout, /Stop timeout 3\.0 s \(--stop-timeout\)/);
});

test("lastcall check ends with 2 when something is wrong", async () => {
	using config = writeConfig({ jobs: { it: { command: ["nodee"] } } });
	const { code, stderr } = await lastcall(["check", config.path]);
	assert.equal(code, 2);
	assert.match(stderr, /Cannot use jobs\.it\.command: "nodee" not found/);
});

test("lastcall check refuses a drain delay that leaves the jobs no time", async () => {
	using config = writeConfig({
		stopTimeout: "5s",
		drainDelay: "5s",
		jobs: { it: { command: ["true"] } },
	});
	const { code, stderr } = await lastcall(["check", config.path]);
	assert.equal(code, 2);
	assert.match(
		stderr,
		/Cannot use drainDelay: found 5\.0 s, expected less than/,
	);
});
