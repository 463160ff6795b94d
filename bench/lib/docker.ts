import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { must, run } from "../../scripts/lib/command.ts";
import {
	type Engine,
	engineEnv,
	ensureEngine,
	stopEngine,
} from "../../scripts/lib/engine.ts";
import { ensureBaseImage } from "../../scripts/lib/images.ts";
import { checkoutId } from "../../scripts/lib/paths.ts";
import { ScriptError } from "../../scripts/lib/script.ts";

const BUILD_MS = 300_000;
const START_MS = 30_000;

/** The Docker engine of a benchmark. Use with `await using`: it is left as it was found. */
export class Docker implements AsyncDisposable {
	readonly #engine: Engine;
	readonly #images: string[] = [];

	private constructor(engine: Engine) {
		this.#engine = engine;
	}

	/** Rejects where there is none, and none may be started. */
	static async connect(): Promise<Docker> {
		const engine = await ensureEngine();
		if ("reason" in engine) throw new ScriptError(engine.reason);
		const docker = new Docker(engine);
		const base = await ensureBaseImage(engine, 26);
		if (base.origin !== "present") docker.#images.push(base.name);
		return docker;
	}

	/** Builds an image and returns its name. */
	async build(what: string, context: string): Promise<string> {
		const tag = `lastcall-bench-${checkoutId}/${what}`;
		const args = ["build", "--force-rm", "--network", "host", "--tag", tag];
		await this.#must([...args, context], BUILD_MS);
		this.#images.unshift(tag);
		return tag;
	}

	/**
	 * Starts a container, waits until it has printed that line, and stops it.
	 *
	 * @param flags of `docker run`
	 * @returns Milliseconds that `docker stop` took, and the exit code.
	 */
	async stop(
		image: string,
		line: RegExp,
		{
			args = [],
			flags = [],
		}: {
			readonly args?: readonly string[];
			readonly flags?: readonly string[];
		} = {},
	): Promise<{ readonly ms: number; readonly code: number }> {
		const name = `lastcall-bench-${randomUUID().slice(0, 8)}`;
		const named = ["--name", name, "--network", "none"];
		try {
			await this.#must(["run", "--detach", ...named, ...flags, image, ...args]);
			await this.#waitForLine(name, line);
			const began = performance.now();
			await this.#must(["stop", name]);
			const ms = performance.now() - began;
			const format = ["--format", "{{.State.ExitCode}}"];
			return {
				ms,
				code: Number(await this.#must(["inspect", ...format, name])),
			};
		} finally {
			await this.#run(["rm", "--force", name]);
		}
	}

	async #waitForLine(name: string, line: RegExp): Promise<void> {
		const end = performance.now() + START_MS;
		for (;;) {
			const { stdout, stderr } = await this.#run(["logs", name]);
			if (line.test(stdout + stderr)) return;
			if (performance.now() > end)
				throw new Error(`No line matches ${line} in:\n${stdout}${stderr}`);
			await sleep(100);
		}
	}

	#run(args: readonly string[]) {
		return run(this.#engine.client, args, { env: engineEnv(this.#engine) });
	}

	#must(args: readonly string[], timeout = 60_000) {
		const env = engineEnv(this.#engine);
		return must(this.#engine.client, args, { env, timeout });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#engine.private) {
			if (this.#engine.started) await stopEngine();
			return;
		}
		for (const image of this.#images) await this.#run(["rmi", image]);
	}
}
