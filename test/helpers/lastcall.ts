/** Starts `lastcall run`, as PID 1 of a PID namespace of its own or as an ordinary process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { attempt } from "../../src/base/errors.ts";
import type { Event } from "../../src/supervisor/events.ts";
import { useCompileCache } from "./compile-cache.ts";
import { findEvent, parseEvents } from "./events.ts";
import { Lines } from "./lines.ts";
import { MAIN } from "./main.ts";
import { PATIENCE_MS, until } from "./until.ts";

const JOBS = join(import.meta.dirname, "../fixtures/jobs");

useCompileCache();

/** Absolute path of a job of test/fixtures/jobs. */
export function fixture(name: string): string {
	return join(JOBS, `${name}.ts`);
}

export interface LastcallOptions {
	/** @default true */
	readonly asInit?: boolean;
	/** The command of the Node.js that runs it. @default this one */
	readonly node?: readonly string[];
	readonly nodeFlags?: readonly string[];
	readonly env?: NodeJS.ProcessEnv;
	/** @default ours */
	readonly cwd?: string;
	/** Where its standard output goes. @default a pipe, read into `lines` */
	readonly stdout?: "pipe" | number;
}

/** A configuration file in a directory of its own, gone at the end of the block: JSON, or a module from its text. */
export function writeConfig(config: object | string): Disposable & { path: string } {
	const directory = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	const isModule = typeof config === "string";
	const name = `lastcall.config.${isModule ? "mjs" : "json"}`;
	const path = join(directory, name);
	writeFileSync(path, isModule ? config : JSON.stringify(config));
	return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/**
 * Use with `await using`: what still runs is killed at the end of the block. What threads print is passed on as it is,
 * unless the configuration has an `output`, be it undefined.
 */
export async function startLastcall(config: object | string, options: LastcallOptions = {}): Promise<Lastcall> {
	const file = writeConfig(typeof config === "string" ? config : { output: "inherit", ...config });
	const socket = socketOf(file.path);
	return await startNode([MAIN, "run", file.path], options, { socket, cleanUp: () => file[Symbol.dispose]() });
}

/** Starts any program on Node.js in the same way. */
export async function startNode(
	program: readonly string[],
	options: LastcallOptions = {},
	{ socket = "", cleanUp = () => {} } = {},
): Promise<Lastcall> {
	const { asInit = true, node = [process.execPath], nodeFlags = [], env, cwd, stdout = "pipe" } = options;
	const all = [...node, ...nodeFlags, ...program];
	const [command, ...args] = asInit ? [...namespace(), ...all] : all;
	const child = spawn(command as string, args, {
		stdio: ["ignore", stdout, "pipe"],
		cwd,
		env: {
			...process.env,
			// Tests run side by side, and each init makes one.
			...(asInit && socket && { LASTCALL_SOCKET: socket }),
			...env,
		},
	});
	await once(child, "spawn");
	const lastcall = new Lastcall(child, asInit, socket, cleanUp);
	await until(() => lastcall.pid > 0 || lastcall.lines.ended, "it has a pid");
	return lastcall;
}

function socketOf(configPath: string): string {
	return join(dirname(configPath), "lastcall.sock");
}

/** unshare(1); a user who is not root needs a user namespace for it. */
export function namespace(): string[] {
	const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
	return ["unshare", ...user, "--pid", "--fork", "--mount-proc", "--kill-child"];
}

export class Lastcall implements AsyncDisposable {
	/** Standard output and error. */
	readonly lines: Lines;
	/** Path of its socket. */
	readonly socket: string;
	readonly #child: ChildProcess;
	readonly #asInit: boolean;
	readonly #cleanUp: () => void;
	readonly #ended: Promise<number>;

	constructor(child: ChildProcess, asInit: boolean, socket: string, cleanUp: () => void) {
		const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
		this.lines = Lines.from(...streams);
		this.socket = socket;
		this.#child = child;
		this.#asInit = asInit;
		this.#cleanUp = cleanUp;
		this.#ended = once(child, "exit").then(([code, signal]) => code ?? signal);
	}

	/** Its pid as we see it; in its namespace it is 1. 0 before unshare(1) has forked, and after the end. */
	get pid(): number {
		const { pid } = this.#child;
		if (!this.#asInit) return pid as number;
		const file = `/proc/${pid}/task/${pid}/children`;
		const children = attempt(() => readFileSync(file, "utf8")) ?? "";
		return Number(children.split(" ")[0]);
	}

	kill(signal: NodeJS.Signals): void {
		const { pid } = this;
		// Pid 0 would be our own process group.
		if (pid <= 0) throw new Error(`It has ended:\n${this.lines.text}`);
		process.kill(pid, signal);
	}

	/** Every event of its log so far. */
	get events(): Event[] {
		return parseEvents(this.lines.all);
	}

	/** The first event of a type; throws if there is none. */
	event<Type extends Event["type"]>(type: Type, job?: string): Extract<Event, { type: Type }> {
		return findEvent(this.events, type, job);
	}

	/** Waits for its log line of an event, and returns it. */
	waitFor(type: Event["type"], job = ""): Promise<string> {
		// To the end of the line: its beginning alone may be there already.
		const pattern = `"event":"${type}"${job && `,"job":"${job}"`}.*}$`;
		return this.lines.waitFor(new RegExp(pattern));
	}

	/** Waits for its end: its exit code, and milliseconds from the call. */
	async exit(timeout = PATIENCE_MS): Promise<{ code: number; ms: number }> {
		const start = performance.now();
		await this.lines.waitForEnd({ timeout });
		return { code: await this.#ended, ms: performance.now() - start };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// --kill-child takes the namespace with unshare.
		if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
		await this.#ended;
		// What is left of it may hold them open, and the test would not end.
		this.#child.stdout?.destroy();
		this.#child.stderr?.destroy();
		this.#cleanUp();
	}
}
