import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:os";
import { interruptedBy, onInterruption, watchForInterruption } from "./interruption.ts";
import { Leftovers, RUN_VARIABLE } from "./leftovers.ts";
import { root } from "./paths.ts";

/** Between SIGTERM and SIGKILL, for a step that is interrupted. */
const PATIENCE_MS = 10_000;

/**
 * Runs commands one after the other with their output on ours, and remembers what failed. A step is over when none of its processes
 * is left. Ctrl-C, SIGTERM and SIGHUP end the step at hand, and the others are skipped.
 */
export class Steps {
	/** Value of {@link RUN_VARIABLE} for every step. */
	readonly id = randomBytes(6).toString("hex");
	readonly #failed: string[] = [];
	readonly #leftOut: string[] = [];
	readonly #start = performance.now();
	#setUpMs = 0;
	readonly #leftovers = new Leftovers(this.id);

	constructor() {
		watchForInterruption();
	}

	get interrupted(): boolean {
		return interruptedBy() !== undefined;
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

	/**
	 * True if the command ended with 0.
	 *
	 * @param minutes After these it is ended, and has failed: a test runner waits for ever for a test that leaves a process behind.
	 */
	async run(
		name: string,
		command: string,
		args: readonly string[],
		env: NodeJS.ProcessEnv = {},
		minutes = 20,
	): Promise<boolean> {
		if (this.interrupted) return false;
		console.log(`\n== ${name}`);
		const start = performance.now();
		const child = spawn(command, args, {
			cwd: root,
			stdio: "inherit",
			env: { ...process.env, ...env, [RUN_VARIABLE]: this.id },
		});
		const code = await this.#join(child, minutes);
		const left = await this.#leftovers.end();
		if (left.length > 0 && !this.interrupted) console.log(`== ${name}: still ran, and was ended: ${left.join(", ")}`);
		const took = seconds(performance.now() - start);
		console.log(`== ${name}: ${code === 0 ? "ok" : "FAILED"}, ${took}`);
		if (code !== 0) this.#failed.push(name);
		return code === 0;
	}

	/** Waits for the command's end, and ends it at a signal. The terminal has told it, too; kill(1) has not. */
	async #join(child: ChildProcess, minutes: number): Promise<number | null> {
		let patience: NodeJS.Timeout | undefined;
		const stop = () => {
			if (patience !== undefined || child.pid === undefined) return;
			this.#leftovers.note(child.pid);
			child.kill("SIGTERM");
			patience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
		};
		using _ = onInterruption(stop);
		const limit = setTimeout(() => {
			console.error(`Not done after ${minutes} minutes`);
			stop();
		}, minutes * 60_000);
		try {
			const [code] = await once(child, "exit");
			return code;
		} catch (error) {
			console.error(`Cannot run a step: ${(error as Error).message}`);
			return 127;
		} finally {
			clearTimeout(limit);
			clearTimeout(patience);
		}
	}

	/** What to say at the end of the step that has just failed. */
	explain(text: string): void {
		this.#failed.push(`${this.#failed.pop()}\n\n${text}`);
	}

	leaveOut(what: string, why: string, { failed }: { readonly failed: boolean } = { failed: false }): void {
		// That is said of the whole run.
		if (this.interrupted) return;
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
		const signal = interruptedBy();
		if (signal !== undefined) {
			console.log(`Interrupted by ${signal}`);
			return 128 + constants.signals[signal];
		}
		return this.#failed.length === 0 ? 0 : 1;
	}
}

function seconds(ms: number): string {
	return `${(ms / 1000).toFixed(1)} s`;
}
