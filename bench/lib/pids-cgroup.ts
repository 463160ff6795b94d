import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt } from "../../src/base/errors.ts";
import type { Launch } from "./contestant.ts";

const V1 = "/sys/fs/cgroup/pids";
const V2 = "/sys/fs/cgroup";

/** A cgroup whose kernel counts its processes, the dead ones too. Needs root and the pids controller. */
export class PidsCgroup implements AsyncDisposable {
	readonly #directory: string;

	/** @param max What may be in it at the most: the machine has a limit too, and others live on it. */
	constructor(max: number) {
		const parent = existsSync(V1) ? V1 : V2;
		if (parent === V2) delegatePids();
		this.#directory = join(parent, `lastcall-bench-${process.pid}`);
		mkdirSync(this.#directory, { recursive: true });
		writeFileSync(join(this.#directory, "pids.max"), String(max));
	}

	/** The file with their number. */
	get current(): string {
		return join(this.#directory, "pids.current");
	}

	/** The same launch, inside. */
	hold(launch: Launch): Launch {
		const procs = join(this.#directory, "cgroup.procs");
		const enter = `echo $$ > "${procs}" && exec "$@"`;
		return { ...launch, command: ["sh", "-c", enter, "sh", ...launch.command] };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// The last process may still be leaving.
		for (let tries = 0; tries < 100; tries++) {
			if (attempt(() => rmdirSync(this.#directory)) !== undefined) return;
			if (!existsSync(this.#directory)) return;
			await sleep(50);
		}
	}
}

function delegatePids(): void {
	const delegated = join(V2, "cgroup.subtree_control");
	if (!readFileSync(delegated, "utf8").includes("pids")) writeFileSync(delegated, "+pids");
}
