/** Docker Swarm on the engine of the tests: a stack, its updates, and what the engine does to its containers. */
import { spawn } from "node:child_process";
import { BRIDGE } from "../../scripts/lib/left-in-engine.ts";
import { client, docker, mustDocker } from "./docker.ts";
import { Lines } from "./lines.ts";
import { freePort } from "./ports.ts";
import { until } from "./until.ts";

/**
 * Makes the engine a swarm of one node, on loopback; at the end of the block it is none again. An engine that is in a swarm
 * already is left in it.
 */
export async function ensureSwarm(): Promise<
	AsyncDisposable & { readonly origin: "there before" | "made for the test" }
> {
	const format = "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}";
	const state = await mustDocker(["info", "--format", format]);
	if (state === "active true") return { origin: "there before", async [Symbol.asyncDispose]() {} };
	if (!state.startsWith("inactive"))
		throw new Error(`Cannot deploy a stack: expected an engine in no swarm or a manager of one, found "${state}"`);
	const bridge = await docker(["network", "inspect", BRIDGE]);
	await mustDocker(["swarm", "init", "--advertise-addr=127.0.0.1", `--listen-addr=127.0.0.1:${await freePort()}`]);
	return {
		origin: "made for the test",
		async [Symbol.asyncDispose]() {
			await mustDocker(["swarm", "leave", "--force"]);
			if (bridge.code !== 0) await mustDocker(["network", "rm", BRIDGE]);
		},
	};
}

export interface StackOptions {
	readonly name: string;
	/** Its one service. */
	readonly service: string;
	/** Compose files; a later one goes before an earlier one. */
	readonly files: readonly string[];
	/** What the files' variables stand for. */
	readonly env: Readonly<Record<string, string>>;
}

/** One container's end. */
export interface Death {
	/** Signals that the engine sent to it, by their numbers. */
	readonly signals: readonly number[];
	readonly code: number;
	/** Milliseconds from the first signal. */
	readonly ms: number;
}

/** A stack of one service. Use with `await using`: it is removed at the end of the block. */
export class Stack implements AsyncDisposable {
	readonly #options: StackOptions;
	readonly #label: string;
	readonly #events: Lines;
	readonly #follower: ReturnType<typeof spawn>;

	constructor(options: StackOptions) {
		this.#options = options;
		this.#label = `label=com.docker.stack.namespace=${options.name}`;
		const filters = [this.#label, "event=kill", "event=die"];
		this.#follower = spawn(
			client,
			[
				"events",
				// What happens before the connection is there counts as well.
				`--since=${Math.floor(Date.now() / 1000)}`,
				...filters.map((filter) => `--filter=${filter}`),
				"--format={{json .}}",
			],
			{ stdio: ["ignore", "pipe", "inherit"] },
		);
		if (!this.#follower.stdout) throw new Error("Expected a pipe");
		this.#events = Lines.from(this.#follower.stdout);
	}

	/** `docker stack deploy`, and waits until all tasks are as it says. */
	async deploy(env: Readonly<Record<string, string>> = {}): Promise<void> {
		const { name, files } = this.#options;
		const before = await this.#updateStatus();
		await mustDocker(
			[
				"stack",
				"deploy",
				// The image is here; there is no registry to ask.
				"--resolve-image=never",
				...files.map((file) => `--compose-file=${file}`),
				name,
			],
			{ env: { ...this.#options.env, ...env } },
		);
		if (before === undefined) {
			await until(() => this.#isRunning(), "the service runs", 120_000);
			return;
		}
		const isUpdated = async () => {
			const now = await this.#updateStatus();
			if (/paused|rollback/.test(now?.State ?? ""))
				throw new Error(`The update has failed: ${JSON.stringify(now)}\n${await this.#tasks()}`);
			return now?.State === "completed" && now.StartedAt !== before?.StartedAt;
		};
		await until(isUpdated, "the service is updated", 240_000);
	}

	/** `docker stack rm`, and waits until its containers are gone. */
	async remove(): Promise<void> {
		await mustDocker(["stack", "rm", this.#options.name]);
		const areGone = async () => (await mustDocker(["ps", "--all", "--quiet", "--filter", this.#label])) === "";
		await until(areGone, "the stack's containers are gone", 120_000);
	}

	/** Every container that has ended so far. */
	get deaths(): Death[] {
		const events = this.#events.all.map((line) => JSON.parse(line));
		return events
			.filter(({ Action }) => Action === "die")
			.map(({ Actor, timeNano }) => {
				const kills = events.filter((event) => event.Action === "kill" && event.Actor.ID === Actor.ID);
				const asked = kills[0]?.timeNano ?? timeNano;
				return {
					signals: kills.map((event) => Number(event.Actor.Attributes.signal)),
					code: Number(Actor.Attributes.exitCode),
					ms: (timeNano - asked) / 1e6,
				};
			});
	}

	/** `undefined` before the first deployment. */
	async #updateStatus(): Promise<{ readonly State?: string; readonly StartedAt?: string } | undefined> {
		const { code, stdout } = await docker(["service", "inspect", this.#id]);
		return code === 0 ? (JSON.parse(stdout)[0].UpdateStatus ?? {}) : undefined;
	}

	async #tasks(): Promise<string> {
		const format = "--format={{.Name}} {{.CurrentState}} {{.Error}}";
		return await mustDocker(["service", "ps", "--no-trunc", format, this.#id]);
	}

	async #isRunning(): Promise<boolean> {
		const format = "--format={{.Replicas}}";
		const filter = `--filter=name=${this.#id}`;
		const replicas = await mustDocker(["service", "ls", filter, format]);
		const [running, wanted] = replicas.split("/");
		return running === wanted;
	}

	get #id(): string {
		return `${this.#options.name}_${this.#options.service}`;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		try {
			await this.remove();
		} finally {
			this.#follower.kill();
		}
	}
}
