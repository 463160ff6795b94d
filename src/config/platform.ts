import type { StopTimeout } from "./stop-timeout.ts";

/** Each platform is known by a variable it sets; the more specific one stands first (ECS runs on Docker, too). */
const PLATFORMS = [
	["KUBERNETES_SERVICE_HOST", "Kubernetes", 30_000],
	["ECS_CONTAINER_METADATA_URI_V4", "Amazon ECS", 30_000],
	["K_SERVICE", "Cloud Run", 10_000],
	["FLY_APP_NAME", "Fly.io", 5_000],
	["DYNO", "Heroku", 30_000],
	["NOMAD_ALLOC_ID", "Nomad", 5_000],
] as const;

const DOCKER: StopTimeout = { ms: 10_000, source: "Docker's default" };

/** What the platform we find ourselves on grants between its stop signal and its SIGKILL, unless it was told otherwise. */
export function platformTimeout(env: NodeJS.ProcessEnv): StopTimeout {
	for (const [variable, name, ms] of PLATFORMS) {
		if (env[variable] !== undefined)
			return { ms, source: `${name}'s default, known by ${variable}` };
	}
	return DOCKER;
}
