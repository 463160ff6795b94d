/**
 * A private Docker engine: own data, own socket, no bridge and no firewall rules, so it
 * touches neither the machine's network nor an engine that is installed there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { must, run } from "./command.ts";
import { findClient } from "./docker-cli.ts";
import { unmountBelow } from "./mounts.ts";
import { cacheDir } from "./paths.ts";
import { readProcess } from "./processes.ts";
import { ScriptError } from "./script.ts";

const dir = join(cacheDir, "engine");
const pidFile = join(dir, "dockerd.pid");
const configFile = join(dir, "daemon.json");
const socket = join(dir, "docker.sock");
const logFile = join(dir, "dockerd.log");
const execRoot = join(dir, "exec");
const containerdPidFile = join(execRoot, "containerd/containerd.pid");

export const privateHost = `unix://${socket}`;

/** Started by this process. */
let own: ChildProcess | undefined;

/** Starts the engine unless it runs already. `started` says whether this call did it. */
export async function startDockerd(): Promise<{ client: string; started: boolean }> {
	// The kernel's limit for the path of a Unix socket is 107 bytes.
	if (Buffer.byteLength(execRoot) > 60) {
		throw new ScriptError(
			`Cannot start an engine under "${dir}": its socket paths would be too long, set LASTCALL_CACHE to a shorter directory`,
		);
	}
	const running = dockerdPid();
	if (running !== undefined) return { client: await answer(running), started: false };

	mkdirSync(dir, { recursive: true });
	rmSync(pidFile, { force: true });
	rmSync(socket, { force: true });
	// After a crash dockerd trusts this file's pid even if it is a zombie, and waits for it in vain.
	if (containerdPid() === undefined) rmSync(containerdPidFile, { force: true });
	writeFileSync(configFile, `${JSON.stringify(config, null, 2)}\n`);
	const log = openSync(logFile, "w");
	const child = spawn("dockerd", ["--config-file", configFile], { detached: true, stdio: ["ignore", log, log] });
	child.unref();
	child.on("error", () => {});
	if (child.pid === undefined) throw new ScriptError("Cannot start dockerd: found none on PATH");
	own = child;
	const client = await answer(child.pid);
	// Two at once: the second dockerd sees the pid file of the first and ends by itself.
	return { client, started: dockerdPid() === child.pid };
}

/** As `stopDockerd`, but only what this process has started, even if it has never answered. */
export async function stopOwnDockerd(): Promise<void> {
	if (own?.pid === undefined) return;
	const { pid, exitCode, signalCode } = own;
	const running = dockerdPid();
	// Interrupted before it had written its pid file.
	if (running === undefined && exitCode === null && signalCode === null) await exitWithListeners(pid);
	if (running === undefined || running === pid) await stopDockerd();
	own = undefined;
}

/** Stops the engine and everything in it; its data stays, as a cache. */
export async function stopDockerd(): Promise<boolean> {
	// After a crash its containers live on, and only a new dockerd knows how to end them.
	if (dockerdPid() === undefined && existsSync(pidFile)) await startDockerd();
	const pid = dockerdPid();
	if (pid === undefined) {
		await unmountBelow(dir);
		return false;
	}
	const env = { DOCKER_HOST: privateHost };
	const client = await findClient(env);
	if (client !== undefined) {
		await run(client, ["swarm", "leave", "--force"], { env });
		const containers = await must(client, ["ps", "--all", "--quiet"], { env });
		if (containers !== "") {
			await run(client, ["rm", "--force", "--volumes", ...containers.split("\n")], { env });
		}
	}
	const containerd = containerdPid();
	await exitWithListeners(pid);
	// dockerd ends its containerd with itself, but not after a SIGKILL.
	if (containerd !== undefined) await exitWithListeners(containerd);
	await unmountBelow(dir);
	rmSync(pidFile, { force: true });
	return true;
}

/** The pid of our dockerd, if it runs: a stale file's number may be someone else's by now. */
export function dockerdPid(): number | undefined {
	return livePid(pidFile, configFile);
}

function containerdPid(): number | undefined {
	return livePid(containerdPidFile, join(execRoot, "containerd"));
}

function livePid(file: string, argument: string): number | undefined {
	try {
		const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
		return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(argument) ? pid : undefined;
	} catch {
		return undefined;
	}
}

async function answer(pid: number): Promise<string> {
	const env = { DOCKER_HOST: privateHost };
	const limit = 60_000;
	const deadline = Date.now() + limit;
	while (Date.now() < deadline) {
		if ((await findClient(env)) !== undefined) {
			// Asked again, for the preferred client may have been a moment too early.
			const client = await findClient(env);
			if (client !== undefined) return client;
		}
		if (!isRunning(pid) && dockerdPid() === undefined) {
			throw new ScriptError(`dockerd ended while starting; the end of ${logFile}:\n${logTail()}`);
		}
		await delay(100);
	}
	throw new ScriptError(
		`dockerd (pid ${pid}) did not answer on ${socket} in ${limit} ms; the end of ${logFile}:\n${logTail()}`,
	);
}

function logTail(): string {
	return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-15).join("\n");
}

async function exitWithListeners(pid: number): Promise<void> {
	for (const [signal, limit] of [
		["SIGTERM", 30_000],
		["SIGKILL", 10_000],
	] as const) {
		if (!isRunning(pid)) return;
		process.kill(pid, signal);
		const deadline = Date.now() + limit;
		while (isRunning(pid) && Date.now() < deadline) await delay(20);
	}
	if (isRunning(pid)) throw new ScriptError(`Process ${pid} of the private engine is alive after SIGKILL`);
}

function isRunning(pid: number): boolean {
	return readProcess(pid) !== undefined;
}

const config = {
	"data-root": join(dir, "data"),
	"exec-root": execRoot,
	hosts: [privateHost],
	pidfile: pidFile,
	bridge: "none",
	iptables: false,
	ip6tables: false,
	// Should a system containerd be shared, that of its tenants must not mix with ours.
	"containerd-namespace": "lastcall",
};
