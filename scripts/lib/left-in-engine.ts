/** What an interrupted run of the tests leaves in an engine that stays: containers, networks, the swarm of a test. */
import { run } from "./command.ts";
import { type Engine, engineEnv } from "./engine.ts";
import { cleanUp } from "./interruption.ts";

/** What Swarm makes for itself when it starts, and leaves. */
export const BRIDGE = "docker_gwbridge";

/** An engine as it was before the tests. */
export class EngineBefore {
	readonly #engine: Engine;
	readonly #swarm: boolean;
	readonly #bridge: boolean;

	private constructor(engine: Engine, swarm: boolean, bridge: boolean) {
		this.#engine = engine;
		this.#swarm = swarm;
		this.#bridge = bridge;
	}

	static async note(engine: Engine): Promise<EngineBefore> {
		return new EngineBefore(engine, await isInSwarm(engine), await hasBridge(engine));
	}

	/** Removes all that has the name of a run in its own, as test/helpers/docker.ts names it. To be called when its clients have ended. */
	async restore(runId: string): Promise<void> {
		await cleanUp(async () => {
			const named = ["--quiet", "--filter", `name=lastcall-test-${runId}`];
			// Swarm would start its containers anew.
			if (await isInSwarm(this.#engine)) {
				await this.#remove(["service", "ls", ...named], ["service", "rm"]);
				if (!this.#swarm) await this.#docker("swarm", "leave", "--force");
			}
			const all = ["ps", "--all", ...named];
			// Twice: one may have been in the making.
			for (let round = 0; round < 2; round++) await this.#remove(all, ["rm", "--force", "--volumes"]);
			await this.#remove(["network", "ls", ...named], ["network", "rm"]);
			if (!this.#bridge && (await hasBridge(this.#engine))) await this.#docker("network", "rm", BRIDGE);
		});
	}

	/** Says what it cannot remove. */
	async #remove(list: string[], remove: string[]): Promise<void> {
		const { stdout } = await this.#docker(...list);
		const ids = stdout.split("\n").filter((id) => id !== "");
		if (ids.length === 0) return;
		const { code, stderr } = await this.#docker(...remove, ...ids);
		if (code !== 0) console.error(`Cannot remove what tests have left: ${stderr}`);
	}

	#docker(...args: string[]) {
		return docker(this.#engine, args);
	}
}

async function isInSwarm(engine: Engine): Promise<boolean> {
	const format = ["--format", "{{.Swarm.LocalNodeState}}"];
	const { stdout } = await docker(engine, ["info", ...format]);
	return stdout.trim() === "active";
}

async function hasBridge(engine: Engine): Promise<boolean> {
	const { code } = await docker(engine, ["network", "inspect", BRIDGE]);
	return code === 0;
}

function docker(engine: Engine, args: string[]) {
	return run(engine.client, args, { env: engineEnv(engine) });
}
