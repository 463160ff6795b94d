/** Runs a command in a real terminal, for what only a terminal can show: Ctrl-C, Ctrl-Z, its size. */
import { Lines } from "./lines.ts";
import { onMusl } from "./musl.ts";
import { PATIENCE_MS } from "./until.ts";

/** It has no build for musl: there tests open no terminal. */
const pty = onMusl ? undefined : await import("@lydell/node-pty");

export interface PtyOptions {
	readonly cols?: number;
	readonly rows?: number;
	readonly cwd?: string;
	/** Beside those of this process. `undefined` takes a variable out. */
	readonly env?: NodeJS.ProcessEnv;
}

export interface PtyExit {
	readonly code: number;
	readonly signal: number | undefined;
}

export const key = { ctrlC: "\x03", ctrlD: "\x04", ctrlZ: "\x1a", ctrlBackslash: "\x1c", enter: "\r" };

export interface Pty extends AsyncDisposable {
	readonly pid: number;
	/** Everything the terminal shows, the echo of what was typed included. */
	readonly lines: Lines;
	type(keys: string): void;
	resize(size: { readonly cols: number; readonly rows: number }): void;
	kill(signal: NodeJS.Signals): void;
	/** Rejects with what the terminal shows if the command does not end in time. */
	exit(options?: { readonly timeout?: number }): Promise<PtyExit>;
}

export function openPty(command: string, args: readonly string[], options: PtyOptions = {}): Pty {
	const { cols = 120, rows = 40, cwd = process.cwd(), env } = options;
	// A plain terminal: no bracketed paste and no colours between the lines to match.
	const variables = { ...process.env, TERM: "dumb", ...env };
	if (!pty) throw new Error("Cannot open a terminal: @lydell/node-pty has no build for musl");
	const terminal = pty.spawn(command, [...args], {
		cols,
		rows,
		cwd,
		env: Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined)),
	});
	const lines = new Lines();
	terminal.onData((text) => lines.push(text));
	const ended = Promise.withResolvers<PtyExit>();
	terminal.onExit(({ exitCode, signal }) => {
		ended.resolve({ code: exitCode, signal: signal || undefined });
		lines.end();
	});

	const exit: Pty["exit"] = async ({ timeout = PATIENCE_MS } = {}) => {
		await lines.waitForEnd({ timeout });
		return ended.promise;
	};

	return {
		pid: terminal.pid,
		lines,
		type: (keys) => terminal.write(keys),
		resize: (size) => terminal.resize(size.cols, size.rows),
		kill: (signal) => terminal.kill(signal),
		exit,
		async [Symbol.asyncDispose]() {
			if (!lines.ended) terminal.kill("SIGKILL");
			await exit();
		},
	};
}
