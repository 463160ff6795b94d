import assert from "node:assert/strict";
import { test } from "node:test";
import { platformTimeout } from "../../src/config/stop-timeout.ts";

const platforms: [variable: string, name: string, ms: number][] = [
	["KUBERNETES_SERVICE_HOST", "Kubernetes", 30_000],
	["ECS_CONTAINER_METADATA_URI_V4", "Amazon ECS", 30_000],
	["K_SERVICE", "Cloud Run", 10_000],
	["FLY_APP_NAME", "Fly.io", 5_000],
	["DYNO", "Heroku", 30_000],
	["NOMAD_ALLOC_ID", "Nomad", 5_000],
];

for (const [variable, name, ms] of platforms) {
	test(`platformTimeout() knows ${name} by ${variable}`, () => {
		assert.deepEqual(platformTimeout({ PATH: "/bin", [variable]: "x" }), {
			ms,
			source: `${name}'s default, known by ${variable}`,
		});
	});
}

test("platformTimeout() is Docker's where no other platform shows", () => {
	assert.deepEqual(platformTimeout({ PATH: "/bin" }), { ms: 10_000, source: "Docker's default" });
});

test("platformTimeout() is the more specific platform's where two show", () => {
	const env = { NOMAD_ALLOC_ID: "x", KUBERNETES_SERVICE_HOST: "x" };
	assert.match(platformTimeout(env).source, /^Kubernetes/);
});
