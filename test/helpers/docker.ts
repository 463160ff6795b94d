/** Images and containers for tests. Which engine: whatever DOCKER_HOST says, as the test runner set it. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { type CommandOptions, type CommandResult, run } from "../../scripts/lib/command.ts";
import { RUN_VARIABLE } from "../../scripts/lib/leftovers.ts";
import { Lines, type WaitOptions } from "./lines.ts";

/** The client that reaches the engine; the test runner knows when it is not PATH's first. */
export const client = process.env.LASTCALL_DOCKER || "docker";

/** What a careful operator runs a container with. */
export const HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"] as const;

export function docker(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
	return run(client, args, options);
}

/** As `docker`, but a failure is an exception that shows the output. Returns the trimmed stdout. */
export async function mustDocker(args: readonly string[], options: CommandOptions = {}): Promise<string> {
	const { code, stdout, stderr } = await docker(args, options);
	if (code !== 0) {
		throw new Error(`Cannot run "docker ${args.join(" ")}": expected exit code 0, found ${code}\n${stdout}${stderr}`);
	}
	return stdout.trim();
}

export interface BuildOptions {
	readonly tag: string;
	/** The directory that is sent to the engine. */
	readonly context: string;
	/** Path of the Dockerfile. @default "Dockerfile" in the context */
	readonly dockerfile?: string;
	readonly buildArgs?: Readonly<Record<string, string>>;
	readonly target?: string;
	/** The private engine has no bridge, so only the host's network reaches a registry. @default "host" */
	readonly network?: string;
	/** Milliseconds. @default 300_000 */
	readonly timeout?: number;
}

/** Builds an image and returns its tag. */
export async function buildImage(options: BuildOptions): Promise<string> {
	const { tag, context, dockerfile, buildArgs = {}, target, network = "host", timeout = 300_000 } = options;
	// The legacy builder keeps the container of a failed step unless told not to.
	const args = ["build", "--force-rm", "--tag", tag, "--network", network];
	if (dockerfile !== undefined) args.push("--file", dockerfile);
	if (target !== undefined) args.push("--target", target);
	for (const [name, value] of Object.entries(buildArgs)) args.push("--build-arg", `${name}=${value}`);
	await mustDocker([...args, context], { timeout });
	return tag;
}

export interface RunOptions {
	readonly image: string;
	/** The command and its arguments. */
	readonly args?: readonly string[];
	/** Further flags of `docker run`. */
	readonly flags?: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
	/** @default "none" */
	readonly network?: string;
}

/** Starts a container in the background. Use with `await using`: it is removed at the end of the block. */
export async function runContainer(options: RunOptions): Promise<Container> {
	const name = containerName();
	const container = new Container(name);
	const { code, stderr } = await docker(["run", "--detach", ...runArgs(name, options)]);
	if (code !== 0) {
		// A container that was created but could not start is still there.
		await container.remove();
		throw new Error(`Cannot start a container of "${options.image}": docker run ended with ${code}\n${stderr}`);
	}
	return container;
}

/** Runs a container in the foreground until it ends, as a user does at the prompt, and removes it. */
export async function runToEnd(options: RunOptions, command: CommandOptions = {}): Promise<CommandResult> {
	await using container = new Container(containerName());
	const flags = command.input === undefined ? [] : ["--interactive"];
	return await docker(["run", ...flags, ...runArgs(container.name, options)], command);
}

/** The arguments of `docker run`, for instance to run it in a terminal: `openPty(client, ["run", "-it", ...])`. */
export function runArgs(name: string, options: RunOptions): string[] {
	const { image, args = [], flags = [], env = {}, network = "none" } = options;
	const variables = Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
	return ["--name", name, "--network", network, ...variables, ...flags, image, ...args];
}

/** A name for a container, a project of Compose or a stack. The test runner removes what has its run's id in the name. */
export function containerName(): string {
	const run = process.env[RUN_VARIABLE] ?? "by-hand";
	return `lastcall-test-${run}-${randomUUID().slice(0, 8)}`;
}

export class Container implements AsyncDisposable {
	readonly name: string;

	constructor(name: string) {
		this.name = name;
	}

	/** Everything printed so far; stdout and stderr apart. */
	logs(): Promise<CommandResult> {
		return docker(["logs", this.name]);
	}

	/**
	 * Rejects with all the output when the container has ended without that line, or on timeout.
	 *
	 * @param options.since an RFC 3339 time: earlier output is passed over, such as that of a run before
	 */
	async waitForLine(
		pattern: RegExp,
		{ since, ...options }: WaitOptions & { readonly since?: string } = {},
	): Promise<string> {
		const flags = since === undefined ? [] : ["--since", since];
		const follower = spawn(client, ["logs", "--follow", ...flags, this.name], { stdio: ["ignore", "pipe", "pipe"] });
		try {
			return await Lines.from(follower.stdout, follower.stderr).waitFor(pattern, options);
		} finally {
			follower.kill();
		}
	}

	/** `docker stop`, and how long it took. */
	async stop(seconds = 10): Promise<{ ms: number }> {
		const start = performance.now();
		// "--time" became "--timeout" in newer clients; the short form is the same in all.
		await mustDocker(["stop", "-t", String(seconds), this.name], { timeout: (seconds + 30) * 1000 });
		return { ms: performance.now() - start };
	}

	async kill(signal: string): Promise<void> {
		await mustDocker(["kill", "--signal", signal, this.name]);
	}

	exec(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
		const flags = options.input === undefined ? [] : ["--interactive"];
		return docker(["exec", ...flags, this.name, ...args], options);
	}

	async inspect(): Promise<ContainerInfo> {
		const [info] = JSON.parse(await mustDocker(["container", "inspect", this.name]));
		return info;
	}

	/** Waits for the container's end and returns its exit code. */
	async wait(timeout = 10_000): Promise<number> {
		const { code, stdout } = await docker(["wait", this.name], { timeout });
		if (code === 0) return Number(stdout);
		const logs = await this.logs();
		throw new Error(
			`Waited ${timeout} ms for the end of container ${this.name}, but it still runs. The output so far:\n${logs.stdout}${logs.stderr}`,
		);
	}

	/** The exit code of a container that has ended; throws while it runs. */
	async exitCode(): Promise<number> {
		const { State } = await this.inspect();
		if (State.Running) throw new Error(`Container ${this.name} has no exit code: it still runs`);
		return State.ExitCode;
	}

	async remove(): Promise<void> {
		const { code, stderr } = await docker(["rm", "--force", "--volumes", this.name]);
		if (code !== 0 && !/no such container/i.test(stderr)) {
			throw new Error(`Cannot remove container ${this.name}: ${stderr}`);
		}
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.remove();
	}
}

/** The part of `docker inspect` that tests read. */
export interface ContainerInfo {
	readonly Id: string;
	readonly State: {
		readonly Status: string;
		readonly Running: boolean;
		readonly OOMKilled: boolean;
		readonly Pid: number;
		readonly ExitCode: number;
		readonly StartedAt: string;
		readonly FinishedAt: string;
		readonly Health?: { readonly Status: string };
	};
}
