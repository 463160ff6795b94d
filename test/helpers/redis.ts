import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lines } from "./lines.ts";
import { freePort } from "./ports.ts";

export interface Redis extends AsyncDisposable {
	readonly port: number;
}

/** A Redis of one's own, gone at the end of the block. Rejects where redis-server is missing. */
export async function startRedis(): Promise<Redis> {
	const port = await freePort();
	const directory = mkdtempSync(join(tmpdir(), "lastcall-redis-"));
	const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", ""];
	const server: ChildProcess = spawn("redis-server", args, { cwd: directory, stdio: ["ignore", "pipe", "ignore"] });
	const exited = once(server, "exit");
	if (!server.stdout) throw new Error("Cannot read redis-server's output");
	const lines = Lines.from(server.stdout);
	await Promise.race([
		lines.waitFor(/Ready to accept connections/),
		once(server, "error").then(([error]) => Promise.reject(error)),
	]);
	return {
		port,
		async [Symbol.asyncDispose]() {
			server.kill("SIGKILL");
			await exited;
			rmSync(directory, { recursive: true, force: true });
		},
	};
}
