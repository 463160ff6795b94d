import { type ChildProcess, spawn } from "node:child_process";
import { root } from "./paths.ts";

/** Runs commands one after the other with their output on ours, and remembers what failed. */
export class Steps {
	readonly #failed: string[] = [];
	readonly #leftOut: string[] = [];
	readonly #start = performance.now();
	#setUpMs = 0;
	#child: ChildProcess | undefined;
	#signal: NodeJS.Signals | undefined;

	constructor() {
		// The caller's cleaning up still has to happen: end the step at hand, skip the others.
		for (const signal of ["SIGINT", "SIGTERM"] as const) {
			process.on(signal, () => {
				this.#signal = signal;
				this.#child?.kill(signal);
			});
		}
	}

	get interrupted(): boolean {
		return this.#signal !== undefined;
	}

	/** Does something that later steps need: its time, of downloads above all, is told apart. */
	async setUp(action: () => Promise<void>): Promise<void> {
		if (this.interrupted) return;
		const start = performance.now();
		try {
			await action();
		} finally {
			this.#setUpMs += performance.now() - start;
		}
	}

	/** True if the command ended with 0. */
	async run(
		name: string,
		command: string,
		args: readonly string[],
		env: NodeJS.ProcessEnv = {},
	): Promise<boolean> {
		if (this.interrupted) return false;
		console.log(`\n== ${name}`);
		const start = performance.now();
		const code = await new Promise<number | null>((resolve) => {
			const child = spawn(command, args, {
				cwd: root,
				stdio: "inherit",
				env: { ...process.env, ...env },
			});
			this.#child = child;
			child.on("error", (error) => {
				console.error(`Cannot run ${command}: ${error.message}`);
				resolve(127);
			});
			child.on("exit", resolve);
		});
		this.#child = undefined;
		const took = seconds(performance.now() - start);
		console.log(`== ${name}: ${code === 0 ? "ok" : "FAILED"}, ${took}`);
		if (code !== 0) this.#failed.push(name);
		return code === 0;
	}

	/** What to say at the end of the step that has just failed. */
	explain(text: string): void {
		this.#failed.push(`${this.#failed.pop()}\n\n${text}`);
	}

	leaveOut(
		what: string,
		why: string,
		{ failed }: { readonly failed: boolean } = { failed: false },
	): void {
		this.#leftOut.push(`Left out: ${what}. ${why}`);
		if (failed) this.#failed.push(`${what} (left out)`);
	}

	/** Prints what failed, what was left out, and the time; returns the exit code. */
	summarize(): number {
		console.log();
		for (const name of this.#failed) console.log(`Failed: ${name}`);
		for (const line of this.#leftOut) console.log(line);
		const ms = performance.now() - this.#start - this.#setUpMs;
		console.log(`${seconds(ms)}, and ${seconds(this.#setUpMs)} of set-up`);
		if (this.#signal !== undefined) {
			console.log(`Interrupted by ${this.#signal}`);
			return this.#signal === "SIGINT" ? 130 : 143;
		}
		return this.#failed.length === 0 ? 0 : 1;
	}
}

function seconds(ms: number): string {
	return `${(ms / 1000).toFixed(1)} s`;
}
