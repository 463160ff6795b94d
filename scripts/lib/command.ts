import { spawn } from "node:child_process";

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

/** Runs a command to its end; a failure is a result, not an exception. */
export function run(
	command: string,
	args: readonly string[],
	{ input, timeout = 60_000, env, cwd }: CommandOptions = {},
): Promise<CommandResult> {
	return new Promise((resolve) => {
		const child = spawn(command, args, {
			env: { ...process.env, ...env },
			cwd,
		});
		let stdout = "";
		let stderr = "";
		const timer = setTimeout(() => {
			stderr += `\nKilled: not done after ${timeout} ms`;
			child.kill("SIGKILL");
			// A grandchild may hold the pipes open: waiting for them would have no bound.
			child.stdout.destroy();
			child.stderr.destroy();
		}, timeout);
		child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
		child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
		// The command may end without reading its input; its exit code tells.
		child.stdin.on("error", () => {});
		child.stdin.end(input);
		child.on("error", (error) => {
			clearTimeout(timer);
			resolve({ code: 127, stdout, stderr: stderr + error.message });
		});
		child.on("close", (code) => {
			clearTimeout(timer);
			resolve({ code: code ?? 137, stdout, stderr });
		});
	});
}

/** Runs a command that has to succeed; returns its trimmed stdout. */
export async function must(
	command: string,
	args: readonly string[],
	options: CommandOptions = {},
): Promise<string> {
	const { code, stdout, stderr } = await run(command, args, options);
	if (code !== 0) {
		throw new Error(
			`Cannot run "${[command, ...args].join(" ")}": expected exit code 0, found ${code}\n${tail(stderr || stdout)}`,
		);
	}
	return stdout.trim();
}

function tail(text: string): string {
	return text.trimEnd().split("\n").slice(-30).join("\n");
}
