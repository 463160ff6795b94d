/** Runs a program under an init: ours under any of its names, or a real one to compare it with. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt } from "../../src/base/errors.ts";
import { namespace } from "./lastcall.ts";
import { Lines } from "./lines.ts";
import { MAIN } from "./main.ts";
import { PATIENCE_MS, until } from "./until.ts";

const PROGRAMS = join(import.meta.dirname, "../fixtures/programs");

/** A script that leaves an orphan to its init, and goes on when that has reaped it. */
export const LEAVE_ORPHAN =
	"orphan=$(sleep 0.1 >/dev/null & echo $!); while kill -0 $orphan 2>/dev/null; do sleep 0.01; done";

/** How an init is called: the command, without its flags. */
export type Init = readonly string[];

let names: string | undefined;

export interface OursOptions {
	/** The command of the Node.js that runs it. @default this one */
	readonly node?: readonly string[];
	readonly nodeFlags?: readonly string[];
}

/** Ours, called by a name. */
export function ours(name: string, { node = [process.execPath], nodeFlags = [] }: OursOptions = {}): Init {
	names ??= mkdtempSync(join(tmpdir(), "lastcall-test-names-"));
	const path = join(names, name);
	attempt(() => symlinkSync(MAIN, path));
	return [...node, ...nodeFlags, path];
}

/** For the options of a test that compares with a real init: says why it is left out. In CI it never is. */
export function needs(...inits: string[]): { skip: string | false } {
	const missing = inits.filter((init) => spawnSync(init, ["--version"]).error !== undefined);
	return { skip: missing.length > 0 && process.env.CI !== "true" ? `not installed: ${missing.join(", ")}` : false };
}

/** A program of test/fixtures/programs, as a command. */
export function program(name: string, ...args: string[]): string[] {
	return [process.execPath, "--disable-warning=ExperimentalWarning", join(PROGRAMS, `${name}.ts`), ...args];
}

export interface InitOptions {
	/** As PID 1 of a PID namespace of its own. @default true */
	readonly asInit?: boolean;
	readonly env?: NodeJS.ProcessEnv;
	/** Descriptors of the init above 2. */
	readonly descriptors?: readonly number[];
	readonly cwd?: string;
}

/** Starts it. Use with `await using`: what still runs is killed at the end of the block. */
export async function startInit(
	init: Init,
	args: readonly string[],
	{ asInit = true, env, descriptors = [], cwd }: InitOptions = {},
): Promise<RunningInit> {
	const all = [...(asInit ? namespace() : []), ...init, ...args];
	const child = spawn(all[0] as string, all.slice(1), {
		stdio: ["ignore", "pipe", "pipe", ...descriptors],
		env: { ...process.env, ...env },
		...(cwd !== undefined && { cwd }),
	});
	await once(child, "spawn");
	return new RunningInit(child, asInit);
}

export class RunningInit implements AsyncDisposable {
	readonly stdout: Lines;
	readonly stderr: Lines;
	readonly #child: ChildProcess;
	readonly #asInit: boolean;
	readonly #ended: Promise<number | string>;

	constructor(child: ChildProcess, asInit: boolean) {
		if (!child.stdout || !child.stderr) throw new Error("Expected pipes");
		this.stdout = Lines.from(child.stdout);
		this.stderr = Lines.from(child.stderr);
		this.#child = child;
		this.#asInit = asInit;
		this.#ended = once(child, "exit").then(([code, signal]) => code ?? signal);
	}

	/** Its pid as we see it; 0 before there is one. */
	get pid(): number {
		const pid = this.#child.pid ?? 0;
		if (!this.#asInit) return pid;
		return childrenOf(pid)[0] ?? 0;
	}

	/** Sends signals, one after the other. */
	async kill(...signals: (number | NodeJS.Signals)[]): Promise<void> {
		await until(() => this.pid !== 0, "the init has a pid");
		const { pid } = this;
		for (const signal of signals) process.kill(pid, signal);
	}

	async exit(timeout = PATIENCE_MS): Promise<number | string> {
		await Promise.all([this.stdout.waitForEnd({ timeout }), this.stderr.waitForEnd({ timeout })]);
		return this.#ended;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// --kill-child takes the namespace with unshare.
		if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
		await this.#ended;
	}
}

/** Children of a process, living and dead. */
export function childrenOf(pid: number): number[] {
	const text = attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
	return (text ?? "").split(" ").filter(Boolean).map(Number);
}

export interface Outcome {
	readonly code: number | string;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs it to its end. */
export async function runInit(init: Init, args: readonly string[], options?: InitOptions): Promise<Outcome> {
	await using running = await startInit(init, args, options);
	const code = await running.exit();
	return { code, stdout: running.stdout.text, stderr: running.stderr.text };
}

/** Puts `N` in the place of every process id of a message, so that two runs can be compared. */
export function withoutPids({ code, stdout, stderr }: Outcome): Outcome {
	const mask = (text: string) => text.replace(/(?<=\(|pid:? '|pid=|PID )\d+/g, "N");
	return { code, stdout: mask(stdout), stderr: mask(stderr) };
}
