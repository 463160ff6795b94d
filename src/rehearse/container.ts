/** Runs an image in containers of the Docker engine that the `docker` command reaches. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt, plain, show, UserError } from "../base/errors.ts";
import { monotonicMs, within } from "../base/time.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import { hasSignal, type Look, lookAt } from "./look.ts";
import type { Subject } from "./options.ts";
import { Output } from "./output.ts";
import type { Actor, Ended, Stage } from "./stage.ts";

/** The longest wait for an answer of the engine. */
const ANSWER_MS = 60_000;
/** The longest wait for an answer when the engine may have to pull an image. */
const PULL_MS = 1_800_000;
/** From the end of a container to the end of the client that is attached to it. */
const DETACH_MS = 10_000;
/** The pause between two questions to the engine whether a container runs. */
const ASK_MS = 5;
/** How long the engine's event may lag behind the client's news that the container has ended. */
const EVENTS_MS = 100;
const SIGKILL = 137;

const HIDDEN = "zombies, and the processes during the stop: this machine's /proc does not show the engine's processes";

export interface ImageStage extends Stage {
	/** The value of `docker run --stop-timeout`, in milliseconds. */
	readonly stopTimeoutMs: number | undefined;
}

/** @throws {UserError} if the engine does not answer, or if it refuses the image or the options. */
export async function openImageStage(
	{ image, flags, command }: Extract<Subject, { type: "image" }>,
	signal: NodeJS.Signals | undefined,
): Promise<ImageStage> {
	const prefix = `lastcall-rehearsal-${process.pid}-${Date.now().toString(36)}`;
	let runs = 0;
	const limits: string[] = [];
	const create = async () => {
		runs += 1;
		const name = `${prefix}-${runs}`;
		await must(["create", "--name", name, ...flags, image, ...command], `Cannot make a container of ${show(image)}`);
		return name;
	};
	// This container shows a mistake in the options before anything is started.
	const first = await create();
	const inspect = ["container", "inspect", "--format", "{{json .Config}}", first];
	const { StopSignal, StopTimeout } = JSON.parse(await must(inspect, "Cannot read the container")) as Config;
	await docker(["rm", "--force", "--volumes", first]);
	const stopSignal = signal ?? signalOf(StopSignal);
	return {
		kind: "container",
		subject: [image, ...command].map(plain).join(" "),
		how: "as a container of its own",
		limits,
		signal: stopSignal,
		stopTimeoutMs: StopTimeout === undefined || StopTimeout === null ? undefined : StopTimeout * 1_000,
		async start() {
			const actor = await startContainer(await create(), stopSignal);
			if (!actor.isVisible && limits.length === 0) limits.push(HIDDEN);
			return actor;
		},
		close: async () => {},
	};
}

interface Config {
	readonly StopSignal?: string;
	readonly StopTimeout?: number | null;
}

/** STOPSIGNAL in a Dockerfile may be a number, or a name without `SIG`. */
function signalOf(text = ""): NodeJS.Signals {
	const found = Object.entries(constants.signals).find(
		([name, number]) => [name, name.slice(3)].includes(text.toUpperCase()) || String(number) === text,
	);
	return (found?.[0] ?? "SIGTERM") as NodeJS.Signals;
}

async function startContainer(name: string, signal: NodeJS.Signals): Promise<Actor> {
	const since = new Date(Date.now() - 1_000).toISOString();
	// The client gets its own session: it would pass Ctrl-C on to the container, and Ctrl-C must reach only us.
	const client = spawn("docker", ["start", "--attach", name], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
	const output = new Output(client.stdout, client.stderr);
	let hasEnded = false;
	const ended = new Promise<Ended>((resolve) => {
		client.on("error", () => resolve({ code: 1, at: monotonicMs() }));
		client.on("exit", (code) => resolve({ code: code ?? SIGKILL, at: monotonicMs() }));
	});
	void ended.then(() => {
		hasEnded = true;
	});
	const remove = async () => {
		await docker(["rm", "--force", "--volumes", name]);
		await within(ended, DETACH_MS);
		client.kill("SIGKILL");
	};
	let pid = 0;
	const end = monotonicMs() + ANSWER_MS;
	while (!hasEnded && pid === 0 && monotonicMs() < end) {
		const { stdout } = await docker(["container", "inspect", "--format", "{{.State.Pid}} {{.State.StartedAt}}", name]);
		pid = Number.parseInt(stdout, 10) || 0;
		if (pid === 0) await sleep(ASK_MS);
	}
	const startedAt = monotonicMs();
	const isVisible = pid !== 0 && isInitHere(pid);
	return {
		startedAt,
		output,
		ended,
		isVisible,
		look: () => (isVisible ? Promise.resolve(lookAt(pid, signal, true)) : askForProcesses(name, signal)),
		async stop() {
			await docker(["kill", "--signal", signal, name]);
			return monotonicMs();
		},
		async kill() {
			await docker(["kill", "--signal", "SIGKILL", name]);
		},
		leftBehind: () => [],
		async measure() {
			const { stdout } = await docker([
				...["events", "--since", since, "--until", new Date(Date.now() + EVENTS_MS).toISOString()],
				...["--filter", `container=${name}`, "--format", "{{json .}}"],
			]);
			return timesOf(stdout);
		},
		[Symbol.asyncDispose]: remove,
	};
}

/** Whether the engine's pid is PID 1 of a namespace on this machine: the engine may be on another machine. */
function isInitHere(pid: number): boolean {
	const status = attempt(() => readFileSync(`/proc/${pid}/status`, "latin1")) ?? "";
	return /^NSpid:(\s+\d+)+\s+1$/m.test(status);
}

/** The times by the engine's own clock: the client's times include the start of the client. */
function timesOf(events: string): { signalledAfterMs: number; stopMs: number } | undefined {
	const at = (action: string) => {
		const line = events.split("\n").find((text) => text.includes(`"Action":"${action}"`));
		return line === undefined
			? undefined
			: Number(attempt(() => BigInt(/"timeNano":(\d+)/.exec(line)?.[1] ?? "")) ?? 0n);
	};
	const [start, kill, die] = [at("start"), at("kill"), at("die")];
	if (!start || !kill || !die) return undefined;
	return { signalledAfterMs: (kill - start) / 1e6, stopMs: Math.max(0, (die - kill) / 1e6) };
}

/** Runs ps(1) on the engine's machine. It lists no zombies: a zombie has left the container's control group. */
async function askForProcesses(name: string, signal: NodeJS.Signals): Promise<Look | undefined> {
	const columns = "pid,ppid,pgid,stat,ignored,caught,blocked,args";
	const { code, stdout } = await docker(["top", name, "-eo", columns]);
	const rows = stdout.trim().split("\n").slice(1);
	const found = rows.map((row) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.*)$/.exec(row));
	const processes = found.filter((row) => row !== null).map(([, ...row]) => row as RowOfTop);
	if (code !== 0 || processes.length === 0) return undefined;
	const infos = processes.map(
		([pid, parent, group, state, , , , command]): ProcessInfo => ({
			pid: Number(pid),
			parent: Number(parent),
			group: Number(group),
			state: state.charAt(0),
			command,
		}),
	);
	const pids = new Set(infos.map(({ pid }) => pid));
	const index = infos.findIndex(({ parent }) => !pids.has(parent));
	const [, , , , ignored = "0", caught = "0", blocked = "0"] = processes[index] ?? [];
	const has = (mask: string) => hasSignal(mask, signal);
	const init = infos[index];
	return {
		at: monotonicMs(),
		...(init && { init }),
		others: infos.filter((info) => info !== init),
		zombies: [],
		listens: !has(ignored) && (has(caught) || has(blocked)),
	};
}

type RowOfTop = [string, string, string, string, string, string, string, string];

interface Answer {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs the engine's command-line client. Never rejects. */
function docker(args: readonly string[], timeout = ANSWER_MS): Promise<Answer> {
	return new Promise((resolve) => {
		const child = spawn("docker", args, { detached: true, stdio: ["ignore", "pipe", "pipe"], timeout });
		let stdout = "";
		let stderr = "";
		child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
		child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
		child.on("error", ({ message }) => resolve({ code: 127, stdout, stderr: `${message}\n` }));
		child.on("close", (code) => resolve({ code: code ?? SIGKILL, stdout, stderr }));
	});
}

async function must(args: readonly string[], attempted: string): Promise<string> {
	const { code, stdout, stderr } = await docker(args, PULL_MS);
	if (code === 0) return stdout.trim();
	const lines = stderr.trim().split("\n");
	const reason = lines.find((line) => /^error/i.test(line)) ?? lines[0] ?? "";
	throw new UserError(
		`${attempted}: ${plain(reason)}. Expected a Docker engine that "docker" reaches, with this image`,
	);
}
