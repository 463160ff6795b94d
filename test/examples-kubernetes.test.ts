import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest, readServiceConfig } from "./helpers/manifest.ts";
import type { KubernetesObject } from "./helpers/podman.ts";
import { problemsOf } from "./helpers/schemas.ts";

interface ServiceObject extends KubernetesObject {
	readonly spec: { readonly selector: object };
}

for (const example of ["queue", "service"] as const) {
	const { objects, workload, pod, container, config } = readManifest(example);
	const file = `examples/kubernetes/${example}.yaml`;

	test(`${file} is what Kubernetes's schemas expect, without an unknown field`, async () => {
		for (const object of objects) assert.equal(await problemsOf(object), "", object.kind);
	});

	test(`${file} tells lastcall its grace period`, () => {
		const { value } = container.env.find(({ name }) => name === "LASTCALL_STOP_TIMEOUT") ?? {};
		assert.equal(value, `${pod.terminationGracePeriodSeconds}s`);
	});

	test(`${file} asks where lastcall answers`, () => {
		const { startupProbe, readinessProbe, livenessProbe, ports } = container;
		const probes = [startupProbe, readinessProbe, livenessProbe];
		assert.deepEqual(
			probes.map(({ httpGet }) => httpGet.path),
			["/readyz", "/readyz", "/livez"],
		);
		for (const { httpGet } of probes) assert.equal(httpGet.port, config.http?.port);
		assert.ok(ports.some(({ containerPort }) => containerPort === config.http?.port));
		assert.equal(config.http?.host, "0.0.0.0");
	});

	test(`${file} drains for longer than its readiness probe takes to fail`, () => {
		const { periodSeconds, failureThreshold = 3 } = container.readinessProbe;
		const drainSeconds = Number(/^(\d+)s$/.exec(config.drainDelay ?? "")?.[1]);
		// A probe begins up to a period after SIGTERM, and then every period.
		assert.ok(drainSeconds >= periodSeconds * failureThreshold, `${config.drainDelay}`);
		assert.ok(drainSeconds < pod.terminationGracePeriodSeconds);
	});

	test(`${file} selects its own pods`, () => {
		const { selector, template } = workload.spec;
		const service = objects.find(({ kind }) => kind === "Service");
		const labels = { app: workload.metadata.name };
		assert.deepEqual(selector.matchLabels, labels);
		assert.deepEqual(template.metadata.labels, labels);
		assert.deepEqual((service as ServiceObject | undefined)?.spec.selector, labels);
	});
}

test("a manifest with a wrong value, or with a field that Kubernetes does not know, is not what its schemas expect", async () => {
	const { workload } = readManifest("service");
	const { template } = workload.spec;
	const withPod = (pod: object) => ({
		...workload,
		spec: { ...workload.spec, template: { ...template, spec: { ...template.spec, ...pod } } },
	});
	assert.match(await problemsOf(withPod({ terminationGracePeriodSeconds: "30s" })), /must be integer/);
	assert.match(
		await problemsOf(withPod({ terminationGracePeriod: 30 })),
		/'?"?terminationGracePeriod"?'? does not exist/,
	);
});

test("examples/kubernetes/queue.yaml runs the jobs of examples/queue", async () => {
	const { config } = readManifest("queue");
	const { default: queue } = await import("../examples/queue/lastcall.config.ts");
	assert.deepEqual(Object.keys(config.jobs), Object.keys(queue.jobs));
});

test("examples/kubernetes/service.yaml runs the jobs of examples/service", () => {
	const { config } = readManifest("service");
	assert.deepEqual(Object.keys(config.jobs), Object.keys(readServiceConfig().jobs));
});
