import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { resolveStopTimeout } from "../../src/config/stop-timeout.ts";

const env = { LASTCALL_STOP_TIMEOUT: "2s", KUBERNETES_SERVICE_HOST: "::1" };

test("resolveStopTimeout() takes argument, variable, configuration, platform, in this order", () => {
	const { KUBERNETES_SERVICE_HOST } = env;
	assert.deepEqual(resolveStopTimeout(1_000, env, 3_000), { ms: 1_000, source: "--stop-timeout" });
	assert.deepEqual(resolveStopTimeout(undefined, env, 3_000), { ms: 2_000, source: "LASTCALL_STOP_TIMEOUT" });
	assert.deepEqual(resolveStopTimeout(undefined, { KUBERNETES_SERVICE_HOST }, 3_000), {
		ms: 3_000,
		source: "the configuration",
	});
	const last = resolveStopTimeout(undefined, { KUBERNETES_SERVICE_HOST }, undefined);
	assert.equal(last.ms, 30_000);
	assert.match(last.source, /Kubernetes/);
});

test("resolveStopTimeout() takes a 0 for a given number", () => {
	const zero = { LASTCALL_STOP_TIMEOUT: "0s" };
	assert.equal(resolveStopTimeout(0, env, 3_000).ms, 0);
	assert.equal(resolveStopTimeout(undefined, zero, 3_000).ms, 0);
	assert.equal(resolveStopTimeout(undefined, {}, 0).ms, 0);
});

test("resolveStopTimeout() takes an empty variable for unset", () => {
	const empty = { LASTCALL_STOP_TIMEOUT: "" };
	assert.equal(resolveStopTimeout(undefined, empty, 3_000).ms, 3_000);
});

test("resolveStopTimeout() refuses a variable that is no duration", () => {
	assert.throws(
		() => resolveStopTimeout(undefined, { LASTCALL_STOP_TIMEOUT: "10" }, 3_000),
		new UserError('Cannot use LASTCALL_STOP_TIMEOUT: "10" has no unit, expected a duration such as "10s"'),
	);
});
