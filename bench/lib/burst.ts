import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contestant } from "./contestant.ts";
import { helper } from "./helpers.ts";
import { PidsCgroup } from "./pids-cgroup.ts";
import { cpuNs, zombiesOf } from "./proc.ts";
import { Stopwatch } from "./stopwatch.ts";

/** A burst that has not been made by then is not going to be. */
const BOUND_MS = 120_000;
/** How long none may have gone before the rest counts as left. */
const PATIENCE_MS = 2_000;
/** Where the kernel has no more pids, everybody stands still. */
const PIDS_MAX = 20_000;

/** What an init made of a burst of orphans. */
export interface Burst {
	/** From the first orphan until the last has been collected. */
	readonly perSecond: number;
	/** At any moment. */
	readonly mostZombies: number;
	/** Milliseconds of processor time that PID 1 took. */
	readonly cpuMs: number;
	/** Zombies that stayed. */
	readonly left: number;
}

/** Rejects when the orphans cannot even be made, because nobody collects them. */
export async function burst(wrap: NonNullable<Contestant["wrap"]>, orphans: number): Promise<Burst> {
	const directory = mkdtempSync(join(tmpdir(), "lastcall-bench-"));
	try {
		const go = join(directory, "go");
		execFileSync("mkfifo", [go]);
		await using cgroup = new PidsCgroup(PIDS_MAX);
		const launch = wrap([helper("orphans"), String(orphans)]);
		await using running = await Stopwatch.start(cgroup.hold({ ...launch, env: { ...launch.env, GO: go } }));
		await running.stamps(1);
		await using watch = await Watch.start(cgroup.current);
		const cpuBefore = cpuNs(running.pid);
		writeFileSync(go, "!");
		const [began = 0n, made = 0n] = await running.stamps(2, BOUND_MS);
		const { most, settled } = await watch.end();
		const end = settled > made ? settled : made;
		return {
			perSecond: orphans / (Number(end - began) / 1e9),
			mostZombies: most,
			cpuMs: (cpuNs(running.pid) - cpuBefore) / 1e6,
			left: zombiesOf(running.pid),
		};
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/** bench/helpers/watch-pids.c, at work. */
class Watch implements AsyncDisposable {
	readonly #child;
	#said = "";

	private constructor(pidsCurrent: string) {
		const args = [pidsCurrent, String(PATIENCE_MS)];
		this.#child = spawn(helper("watch-pids"), args, { stdio: ["pipe", "pipe", "inherit"] });
		this.#child.stdout.setEncoding("utf8").on("data", (text) => (this.#said += text));
	}

	static async start(pidsCurrent: string): Promise<Watch> {
		const watch = new Watch(pidsCurrent);
		await once(watch.#child.stdout, "data");
		return watch;
	}

	/** Waits until all are gone, or no more go. */
	async end(): Promise<{ readonly most: number; readonly settled: bigint }> {
		const closed = once(this.#child, "close", { signal: AbortSignal.timeout(BOUND_MS) });
		this.#child.stdin.end("\n");
		await closed;
		const [most = "0", , settled = "0"] = this.#said.trim().split(" ");
		return { most: Number(most), settled: BigInt(settled) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#child.exitCode !== null) return;
		const exited = once(this.#child, "exit");
		this.#child.kill("SIGKILL");
		await exited;
	}
}
