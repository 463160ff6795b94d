/** A Docker engine of our own whose `docker run --init` uses a given executable. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, run } from "../../scripts/lib/command.ts";
import { client } from "./docker.ts";
import { Lines } from "./lines.ts";

export interface EngineWithInit extends AsyncDisposable {
	/** For commands that are to reach it. */
	readonly env: { readonly DOCKER_HOST: string };
}

/** Why there can be none here, or `false`. In CI there is one always. */
export const noEngineOfOurOwn =
	process.env.CI === "true" || (process.getuid?.() === 0 && process.env.LASTCALL_ENGINE !== undefined)
		? false
		: "starts a Docker engine of its own: needs root and LASTCALL_ENGINE=start";

/** Starts it, with an image of the other engine. */
export async function startEngineWithInit(initPath: string, image: string): Promise<EngineWithInit> {
	// Short: the path of a Unix socket has at most 107 bytes.
	const directory = mkdtempSync(join(tmpdir(), "lc-"));
	const host = `unix://${directory}/s`;
	const env = { DOCKER_HOST: host };
	// Not the configuration of an engine that is installed here.
	writeFileSync(join(directory, "config"), "{}");
	const child = spawn(
		"dockerd",
		[
			...["--config-file", `${directory}/config`, "--init-path", initPath],
			...["--bridge=none", "--iptables=false", "--ip6tables=false"],
			...["--data-root", `${directory}/data`, "--exec-root", `${directory}/e`],
			...["--pidfile", `${directory}/pid`, "--host", host],
			...["--containerd-namespace", "lastcall-init-test"],
		],
		{ stdio: ["ignore", "ignore", "pipe"] },
	);
	const log = Lines.from(child.stderr);
	const stop = async () => {
		if (child.exitCode === null && child.signalCode === null) {
			child.kill("SIGTERM");
			await once(child, "exit");
		}
		await run("umount", ["--lazy", "--recursive", `${directory}/data`]);
		rmSync(directory, { recursive: true, force: true });
	};
	try {
		await log.waitFor(/API listen on/, { timeout: 60_000 });
		const file = join(directory, "image.tar");
		await must(client, ["save", "--output", file, image]);
		await must(client, ["load", "--input", file], { env });
	} catch (error) {
		await stop();
		throw error;
	}
	return { env, [Symbol.asyncDispose]: stop };
}
