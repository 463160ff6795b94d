import { run } from "./command.ts";

/**
 * A `docker` client that gets an answer from the engine that `env` points to, or undefined.
 * PATH's own comes first; a client may be too new for the engine that apt-get installed,
 * while the one from the same package always fits.
 */
export async function findClient(env: NodeJS.ProcessEnv = {}): Promise<string | undefined> {
	for (const client of ["docker", "/usr/bin/docker"]) {
		// `docker info` ends with 0 in some versions even if no engine answered.
		const { code, stdout } = await run(client, ["info", "--format", "{{.ServerVersion}}"], { env, timeout: 10_000 });
		if (code === 0 && stdout.trim() !== "") return client;
	}
	return undefined;
}
