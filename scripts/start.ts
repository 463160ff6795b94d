/**
 * `npm start`: the main job. Runs examples/jobs in a container, as users do; where there can be none, directly.
 * Ctrl-C stops it, and so do SIGTERM and the end of the terminal: nothing that it has started stays. Arguments go to `lastcall run`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Engine, engineEnv, ensureBaseImage, type NoEngine, withEngine } from "./engine.ts";
import { run } from "./lib/command.ts";
import { cleanUp, onInterruption, throwIfInterrupted, watchForInterruption } from "./lib/interruption.ts";
import { root } from "./lib/paths.ts";
import { catches, childrenOf, isRunning, type Process, readProcess } from "./lib/processes.ts";
import { runScript, ScriptError } from "./lib/script.ts";

const IMAGE = "lastcall-example";
/** Longer than `docker stop` takes. */
const ENGINE_MS = 30_000;
const POLL_MS = 20;

const args = ["run", ...process.argv.slice(2)];

watchForInterruption();
await runScript(async () => {
	const result = await withEngine(startInContainer);
	return "reason" in result ? startHere(result.reason) : result.code;
});

async function startInContainer(engine: Engine | NoEngine): Promise<NoEngine | { readonly code: number }> {
	if ("reason" in engine) return engine;
	try {
		await ensureBaseImage(engine, 26);
	} catch (error) {
		if (!(error instanceof ScriptError)) throw error;
		return { reason: error.message };
	}
	const env = engineEnv(engine);
	// The private engine has no bridge: only the host's network reaches a registry while building.
	const network = engine.private ? ["--network", "host"] : [];
	const build = ["build", "--quiet", ...network, "--tag", IMAGE, root];
	say("building the image");
	const { code, stdout, stderr } = await run(engine.client, build, { env, timeout: 600_000 });
	if (code !== 0) {
		say(`cannot build the image:\n${stdout}${stderr}`);
		return { code };
	}
	return { code: await runContainer(engine.client, env) };
}

async function runContainer(client: string, env: NodeJS.ProcessEnv): Promise<number> {
	const name = `lastcall-example-${randomUUID().slice(0, 8)}`;
	const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
	throwIfInterrupted();
	say("running examples/jobs in a container; Ctrl-C stops it");
	const child = attach(
		client,
		[
			"run",
			"--rm",
			`--name=${name}`,
			...(isTerminal ? ["--interactive", "--tty"] : []),
			"--network=none",
			"--read-only",
			"--cap-drop=ALL",
			"--security-opt=no-new-privileges",
			IMAGE,
			...args,
		],
		env,
	);
	// In a terminal the client passes no signal on.
	const stop = () => cleanUp(() => run(client, ["stop", name], { env }));
	try {
		// At SIGINT too: once the client has the terminal, Ctrl-C is no signal. Before that nobody would pass it on.
		return await joined(child, async () => {
			const end = performance.now() + ENGINE_MS;
			// The container may not be there yet, or not have been started.
			while (isAlive(child) && performance.now() < end) {
				await stop();
				await delay(POLL_MS);
			}
			child.kill("SIGKILL");
		});
	} finally {
		// The client may end before the container does, with the terminal for instance.
		await stop();
		await cleanUp(() => run(client, ["rm", "--force", "--volumes", name], { env }));
	}
}

async function startHere(reason: string): Promise<number> {
	const main = join(root, "src/main.ts");
	const node = [process.execPath, "--disable-warning=ExperimentalWarning", main];
	const namespace = ["unshare", "--pid", "--fork", "--mount-proc"];
	// Only root may make a PID namespace without a user namespace, and then not everywhere.
	const asInit = process.getuid?.() === 0 && (await run("unshare", [...namespace.slice(1), "true"])).code === 0;
	throwIfInterrupted();
	say(reason);
	say(
		`running examples/jobs directly instead, ${asInit ? "as PID 1 of a PID namespace of its own" : "as a child subreaper"}; Ctrl-C stops it`,
	);
	const [command = "", ...rest] = asInit ? [...namespace, ...node] : node;
	const child = attach(command, [...rest, ...args], {}, join(root, "examples/jobs"));
	if (!asInit)
		return joined(child, async (signal) => {
			if (signal !== "SIGINT") child.kill("SIGTERM");
		});

	// unshare(1) keeps signals to itself, and may end before the init, which is its child.
	let init: Process | undefined;
	const found = initOf(child).then((process) => {
		init = process;
	});
	const stop = async () => {
		await found;
		if (init !== undefined) await terminateInit(init);
	};
	const code = await joined(child, async (signal) => {
		// The terminal has told the init itself, unless that was too early for it.
		const isTold = init !== undefined && catches(init.pid, "SIGINT");
		if (signal !== "SIGINT" || !isTold) await stop();
	});
	await stop();
	return code;
}

/** Runs a command in our place: its streams, its terminal, and so Ctrl-C. */
function attach(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): ChildProcess {
	return spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env }, ...(cwd !== undefined && { cwd }) });
}

/** Waits for the end of a command, and returns its exit code. */
async function joined(child: ChildProcess, stop: (signal: NodeJS.Signals) => Promise<void>): Promise<number> {
	// npm and the terminal may say the same signal one after the other.
	const stops = new Map<NodeJS.Signals, Promise<void>>();
	using _ = onInterruption((signal) => {
		if (!stops.has(signal)) stops.set(signal, stop(signal));
	});
	const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
	await Promise.all(stops.values());
	return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
	return exitCode === null && signalCode === null;
}

/** The process that unshare(1) makes PID 1. */
async function initOf(child: ChildProcess): Promise<Process | undefined> {
	while (isAlive(child)) {
		const [pid] = childrenOf(child.pid ?? 0);
		if (pid !== undefined) return readProcess(pid);
		await delay(POLL_MS);
	}
	return undefined;
}

/** SIGTERM, once the init has a handler: before that the kernel drops what is sent to a PID 1. Resolves at its end. */
async function terminateInit(init: Process): Promise<void> {
	while (isRunning(init) && !catches(init.pid, "SIGTERM")) await delay(POLL_MS);
	if (isRunning(init)) process.kill(init.pid, "SIGTERM");
	while (isRunning(init)) await delay(POLL_MS);
}

function say(text: string): void {
	console.error(`lastcall: ${text}`);
}
