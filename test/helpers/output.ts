/** Runs test/fixtures/output.ts with a standard output of the test's making. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { useCompileCache } from "./compile-cache.ts";
import { makeDirectory } from "./directory.ts";
import { until } from "./until.ts";

useCompileCache();

export const PROGRAM = join(import.meta.dirname, "../fixtures/output.ts");

export interface OutputTask {
	/** File that takes what it says of itself: one JSON object a line. */
	readonly report: string;
	/** How many lines to print. */
	readonly lines: number;
	readonly limit?: number;
	/** Whether each write asks to be told. */
	readonly withDone?: boolean;
	/** Prints at each SIGUSR2, instead of at once. */
	readonly waitForSignal?: boolean;
	/** @default a minute */
	readonly flushMs?: number;
	/** Whether it stays when it has flushed, instead of exiting with 0. */
	readonly stay?: boolean;
	/** Whether nothing but the output takes processor time. */
	readonly quiet?: boolean;
}

/** One line of the report. */
export interface OutputReport {
	readonly opened?: true;
	readonly dropped?: number;
	/** What flush() returned, and how it went meanwhile. */
	readonly left?: number;
	readonly done?: number;
	readonly ms?: number;
	/** Whether it took twice the time that it was given. */
	readonly late?: boolean;
	/** Of a timer of 1 ms. */
	readonly ticks?: number;
	readonly cpuMs?: number;
}

/** The program while it runs. Use with `using`: it is killed at the end of the block. */
export class OutputProgram implements Disposable {
	readonly child: ChildProcess;
	readonly #report: ReportFile;

	constructor(stdout: "pipe" | number, task: Omit<OutputTask, "report">, wrap: readonly string[] = []) {
		this.#report = new ReportFile();
		const args = [process.execPath, PROGRAM, JSON.stringify({ ...task, report: this.#report.path })];
		const [command, ...rest] = [...wrap, ...args] as [string, ...string[]];
		this.child = spawn(command, rest, { stdio: ["ignore", stdout, "inherit"] });
	}

	/** The first report, or the nth, that has this field; waits for it. */
	reported<Field extends keyof OutputReport>(field: Field, nth = 1): Promise<OutputReport> {
		return this.#report.reported(field, nth);
	}

	/** Its exit code; waits for it. */
	async exited(): Promise<number | null> {
		const { child } = this;
		await until(() => child.exitCode !== null || child.signalCode !== null, "it has exited");
		return child.exitCode;
	}

	[Symbol.dispose](): void {
		this.child.kill("SIGKILL");
		this.child.stdout?.destroy();
		this.#report[Symbol.dispose]();
	}
}

export class ReportFile implements Disposable {
	readonly #directory = makeDirectory();
	readonly path = join(this.#directory.path, "report");

	async reported(field: keyof OutputReport, nth: number): Promise<OutputReport> {
		const matching = () => this.#all.filter((report) => field in report);
		await until(() => matching().length >= nth, `"${field}" is reported`);
		return matching()[nth - 1] as OutputReport;
	}

	get #all(): OutputReport[] {
		if (!existsSync(this.path)) return [];
		const lines = readFileSync(this.path, "utf8").split("\n").slice(0, -1);
		return lines.map((line) => JSON.parse(line));
	}

	[Symbol.dispose](): void {
		this.#directory[Symbol.dispose]();
	}
}

/** A pipe whose ends are descriptors. Use with `using`. */
export class Pipe implements Disposable {
	readonly writer: number;
	#open = true;
	#reader: number | undefined;
	#stream: Socket | undefined;

	constructor() {
		// A FIFO is a pipe, and Node.js has no other way to make one.
		using directory = makeDirectory();
		const path = join(directory.path, "fifo");
		execFileSync("mkfifo", [path]);
		const { O_RDONLY, O_NONBLOCK, O_WRONLY } = constants;
		this.#reader = openSync(path, O_RDONLY | O_NONBLOCK);
		this.writer = openSync(path, O_WRONLY);
	}

	/** Nobody reads before this is called. */
	read(): Socket {
		if (!this.#stream) {
			this.#stream = new Socket({ fd: this.#reader as number });
			this.#reader = undefined;
		}
		return this.#stream;
	}

	/** Takes the reader away. */
	hangUp(): void {
		if (this.#reader !== undefined) closeSync(this.#reader);
		this.#reader = undefined;
		this.#stream?.destroy();
	}

	/** The reader's end comes once every program has closed its own, too. */
	closeWriter(): void {
		if (this.#open) closeSync(this.writer);
		this.#open = false;
	}

	[Symbol.dispose](): void {
		this.hangUp();
		this.closeWriter();
	}
}

/** Whether a descriptor of a process has O_NONBLOCK: as whoever shares it sees it. */
export function isNonBlocking(pid: number | undefined, descriptor: 1 | 2 = 1): boolean {
	const info = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "utf8");
	const flags = /^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? "";
	return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
}

/** Checks that flush() gave up when its time was over, and that the event loop turned meanwhile. */
export function assertFreeAndInTime({ ms = 0, late, ticks = 0 }: OutputReport, flushMs: number): void {
	assert.ok(ms >= flushMs - 2, `${ms} ms`);
	assert.equal(late, false, `${ms} ms`);
	// A starved process has no more; one that is blocked has none.
	assert.ok(ticks >= 1, `${ticks} ticks of the timer`);
}
