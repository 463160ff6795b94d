import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { must, run } from "../../scripts/lib/command.ts";
import { type Engine, engineEnv, withEngine } from "../../scripts/lib/engine.ts";
import { ensureBaseImage } from "../../scripts/lib/images.ts";
import { cleanUp } from "../../scripts/lib/interruption.ts";
import { checkoutId } from "../../scripts/lib/paths.ts";
import { CannotMeasure } from "./measure.ts";

const BUILD_MS = 300_000;
const START_MS = 30_000;

/** Calls `action` with a Docker engine, which is left as it was found, also after an interruption. Rejects where there is none. */
export async function withDocker<Result>(action: (docker: Docker) => Promise<Result>): Promise<Result> {
	return await withEngine(async (engine) => {
		if ("reason" in engine) throw new CannotMeasure(engine.reason);
		await using docker = new Docker(engine);
		await docker.prepare();
		return await action(docker);
	});
}

/** The Docker engine of a benchmark. */
export class Docker implements AsyncDisposable {
	readonly #engine: Engine;
	readonly #images: string[] = [];

	constructor(engine: Engine) {
		this.#engine = engine;
	}

	async prepare(): Promise<void> {
		const base = await ensureBaseImage(this.#engine, 26);
		if (base.origin !== "present") this.#images.push(base.name);
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
		{ args = [], flags = [] }: { readonly args?: readonly string[]; readonly flags?: readonly string[] } = {},
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
			return { ms, code: Number(await this.#must(["inspect", ...format, name])) };
		} finally {
			await cleanUp(() => this.#run(["rm", "--force", name]));
		}
	}

	async #waitForLine(name: string, line: RegExp): Promise<void> {
		const end = performance.now() + START_MS;
		for (;;) {
			const { stdout, stderr } = await this.#run(["logs", name]);
			if (line.test(stdout + stderr)) return;
			if (performance.now() > end) throw new Error(`No line matches ${line} in:\n${stdout}${stderr}`);
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
		if (this.#engine.private) return;
		for (const image of this.#images) await cleanUp(() => this.#run(["rmi", image]));
	}
}
