import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest } from "./helpers/manifest.ts";

const { pod, container, config } = readManifest();

test("examples/kubernetes tells lastcall its grace period", () => {
	const { value } = container.env.find(({ name }) => name === "LASTCALL_STOP_TIMEOUT") ?? {};
	assert.equal(value, `${pod.terminationGracePeriodSeconds}s`);
});

test("examples/kubernetes asks where lastcall answers", () => {
	const { startupProbe, readinessProbe, livenessProbe, ports } = container;
	const probes = [startupProbe, readinessProbe, livenessProbe];
	assert.deepEqual(
		probes.map(({ httpGet }) => httpGet.path),
		["/readyz", "/readyz", "/livez"],
	);
	const asked = [...probes.map(({ httpGet }) => httpGet.port), ...ports.map(({ containerPort }) => containerPort)];
	assert.deepEqual(new Set(asked), new Set([config.http?.port]));
	assert.equal(config.http?.host, "0.0.0.0");
});

test("examples/kubernetes runs the jobs of examples/queue", async () => {
	const { default: queue } = await import("../examples/queue/lastcall.config.ts");
	assert.deepEqual(Object.keys(config.jobs), Object.keys(queue.jobs));
});
