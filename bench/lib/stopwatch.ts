import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onInterruption, throwIfInterrupted } from "../../scripts/lib/interruption.ts";
import { ScriptError } from "../../scripts/lib/script.ts";
import { attempt } from "../../src/base/errors.ts";
import type { Launch } from "./contestant.ts";
import { helper } from "./helpers.ts";

const BOUND_MS = 20_000;

/**
 * A contestant that runs as PID 1 of a PID namespace of its own; bench/helpers/stopwatch.c starts it and takes the times, so
 * that nothing of this process is in them. Needs root.
 *
 * Every program inside finds the path of a FIFO in the variable STAMP, and writes a time into it as a line: nanoseconds of the
 * monotonic clock (C: CLOCK_MONOTONIC, Node.js: process.hrtime.bigint(), Python: time.monotonic_ns()). One line is one write.
 *
 * Use with `await using`: what still runs is killed at the end of the block.
 */
export class Stopwatch implements AsyncDisposable {
	/** When PID 1 was started: right before execvp(3), in nanoseconds. */
	readonly startedNs: bigint;
	/** PID 1's pid as seen from outside. */
	readonly pid: number;
	readonly #child: ChildProcess;
	readonly #answers: AsyncIterator<string>;
	readonly #directory: string;
	/** Ends what runs, and with it every wait for it. */
	readonly #interruption = onInterruption(() => this.#child.kill());

	private constructor(
		child: ChildProcess,
		answers: AsyncIterator<string>,
		directory: string,
		[startedNs = 0n, pid = 0n]: readonly bigint[],
	) {
		this.#child = child;
		this.#answers = answers;
		this.#directory = directory;
		this.startedNs = startedNs;
		this.pid = Number(pid);
	}

	/** Starts it; does not wait for anything that it does. */
	static async start(launch: Launch): Promise<Stopwatch> {
		throwIfInterrupted();
		const directory = mkdtempSync(join(tmpdir(), "lastcall-bench-"));
		const stamp = join(directory, "stamp");
		const cwd = launch.cwd ?? join(directory, "empty");
		execFileSync("mkfifo", [stamp]);
		mkdirSync(cwd, { recursive: true });
		const output = join(directory, "output");
		const child = spawn(helper("stopwatch"), [stamp, output, ...launch.command], {
			cwd,
			env: { ...process.env, ...launch.env, STAMP: stamp },
			stdio: ["pipe", "pipe", "inherit"],
		});
		// Its end shows in the answers.
		child.stdin.on("error", () => {});
		const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
		const started = await answers.next();
		if (started.done) {
			rmSync(directory, { recursive: true, force: true });
			throw new ScriptError(`Cannot start "${launch.command.join(" ")}"`);
		}
		return new Stopwatch(child, answers, directory, numbers(started.value));
	}

	/** The next lines of STAMP, in nanoseconds. Rejects when they do not come. */
	async stamps(count: number, timeoutMs = BOUND_MS): Promise<bigint[]> {
		const stamps = await this.#ask(`stamps ${count} ${timeoutMs}`);
		if (stamps.length === count) return stamps;
		throw this.#error(`Expected ${count} stamps within ${timeoutMs} ms, found ${stamps.length}`);
	}

	/**
	 * Sends PID 1 a signal and waits for the next stamp.
	 *
	 * @returns Microseconds from one to the other; `undefined` when no stamp came.
	 */
	async signal(number: number, timeoutMs = 2_000): Promise<number | undefined> {
		const times = await this.#ask(`signal ${number} ${timeoutMs}`);
		const [sent = 0n, received = 0n] = times;
		return received === 0n ? undefined : Number(received - sent) / 1_000;
	}

	/** Sends PID 1 SIGTERM; milliseconds until it is gone, and everything in its namespace. Rejects when it stays. */
	async terminate(timeoutMs = BOUND_MS): Promise<number> {
		const [sent = 0n, gone = 0n] = await this.#ask(`terminate ${timeoutMs}`);
		if (gone !== 0n) return Number(gone - sent) / 1_000_000;
		throw this.#error(`Still there ${timeoutMs} ms after SIGTERM`);
	}

	/** Milliseconds from its start until it is gone by itself. Rejects when it stays. */
	async end(timeoutMs = BOUND_MS): Promise<number> {
		const [gone = 0n] = await this.#ask(`wait ${timeoutMs}`);
		if (gone !== 0n) return Number(gone - this.startedNs) / 1_000_000;
		throw this.#error(`Still there after ${timeoutMs} ms`);
	}

	/** Milliseconds from the start of PID 1 until a stamp. */
	sinceStart(stamp: bigint): number {
		return Number(stamp - this.startedNs) / 1_000_000;
	}

	/** What it has printed, on either stream. */
	get output(): string {
		const path = join(this.#directory, "output");
		return attempt(() => readFileSync(path, "utf8")) ?? "";
	}

	async #ask(question: string): Promise<bigint[]> {
		this.#child.stdin?.write(`${question}\n`);
		const { done, value } = await this.#answers.next();
		throwIfInterrupted();
		if (done) throw this.#error("The stopwatch has ended");
		return numbers(value);
	}

	#error(message: string): Error {
		const command = this.#child.spawnargs.slice(3).join(" ");
		return new Error(`${message}, of "${command}". Its output: ${this.output.slice(-2_000)}`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const { exitCode, signalCode } = this.#child;
		this.#interruption[Symbol.dispose]();
		this.#child.stdin?.end();
		if (exitCode === null && signalCode === null) await new Promise((resolve) => this.#child.once("exit", resolve));
		rmSync(this.#directory, { recursive: true, force: true });
	}
}

function numbers(line: string): bigint[] {
	return line.split(" ").filter(Boolean).map(BigInt);
}
