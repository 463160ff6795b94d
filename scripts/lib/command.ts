import { type ChildProcess, spawn } from "node:child_process";
import { Interrupted, isCleaningUp, isWatching, onInterruption, throwIfInterrupted } from "./interruption.ts";
import { ScriptError } from "./script.ts";

export interface CommandOptions {
	readonly input?: string | Buffer;
	/** Milliseconds after which the command is killed. @default 60_000 */
	readonly timeout?: number;
	readonly env?: NodeJS.ProcessEnv;
	readonly cwd?: string;
}

export interface CommandResult {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** Between SIGTERM and SIGKILL, for a command that is interrupted. */
const PATIENCE_MS = 10_000;

/**
 * Runs a command to its end; a failure is a result, not an exception. In a script that watches for interruptions, one of them
 * ends the command, and that is an exception.
 */
export function run(
	command: string,
	args: readonly string[],
	{ input, timeout = 60_000, env, cwd }: CommandOptions = {},
): Promise<CommandResult> {
	return new Promise((resolve, reject) => {
		throwIfInterrupted();
		// Ctrl-C goes to the whole group of the terminal: it must not reach a command that cleans up.
		const detached = isWatching();
		const child = spawn(command, args, { env: { ...process.env, ...env }, cwd, detached });
		const kill = (signal: NodeJS.Signals) => (detached ? killGroup(child, signal) : child.kill(signal));
		let stdout = "";
		let stderr = "";
		const killNow = (why: string) => {
			stderr += `\nKilled: ${why}`;
			kill("SIGKILL");
			// A grandchild may hold the pipes open: waiting for them would have no bound.
			child.stdout.destroy();
			child.stderr.destroy();
		};
		const timers = [setTimeout(() => killNow(`not done after ${timeout} ms`), timeout)];
		let interruptedBy: NodeJS.Signals | undefined;
		const watch = onInterruption((signal) => {
			if (isCleaningUp() || interruptedBy !== undefined) return;
			interruptedBy = signal;
			kill("SIGTERM");
			timers.push(setTimeout(() => killNow(`by ${signal}`), PATIENCE_MS));
		});
		const finish = (result: CommandResult) => {
			timers.forEach(clearTimeout);
			watch[Symbol.dispose]();
			if (interruptedBy === undefined) resolve(result);
			else reject(new Interrupted(interruptedBy));
		};
		child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
		child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
		// The command may end without reading its input; its exit code tells.
		child.stdin.on("error", () => {});
		child.stdin.end(input);
		child.on("error", (error) => finish({ code: 127, stdout, stderr: stderr + error.message }));
		child.on("close", (code) => finish({ code: code ?? 137, stdout, stderr }));
	});
}

/** Runs a command that has to succeed; returns its trimmed stdout. */
export async function must(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
	const { code, stdout, stderr } = await run(command, args, options);
	if (code !== 0) {
		throw new ScriptError(
			`Cannot run "${[command, ...args].join(" ")}": expected exit code 0, found ${code}\n${tail(stderr || stdout)}`,
		);
	}
	return stdout.trim();
}

function tail(text: string): string {
	return text.trimEnd().split("\n").slice(-30).join("\n");
}

/** What the command has started goes with it. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
	if (child.pid === undefined) return;
	try {
		process.kill(-child.pid, signal);
	} catch {
		// All of the group has ended.
	}
}
