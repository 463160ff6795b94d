/**
 * Runs a program as PID 1 of a new PID namespace, by unshare(1). Where that is not allowed, the program is an ordinary
 * child, and this process adopts the program's orphans.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt, show, UserError } from "../base/errors.ts";
import { monotonicMs, within } from "../base/time.ts";
import { libc } from "../os/ffi/libc.ts";
import { readKernelState, watchDeathSignal } from "../os/processes/kernel-state.ts";
import { livingDescendants, send } from "../os/processes/processes.ts";
import { startReaper } from "../os/processes/reaper.ts";
import { endStragglers } from "../os/processes/stragglers.ts";
import { signalNumber } from "../os/signals/names.ts";
import { lookAt } from "./look.ts";
import { Output } from "./output.ts";
import type { Actor, Ended, Stage } from "./stage.ts";

/** The longest wait for steps that take milliseconds on an idle machine. */
const PATIENCE_MS = 10_000;
const TRY_MS = 5_000;
const LOOK_MS = 5;

const BY_SUBREAPER = [
	"what the kernel does for PID 1 alone: PID 1 ignores a stop signal without a handler, here the signal ends the program",
	"zombies that PID 1 would have to reap: lastcall reaps them here",
];

/** @param subject The program as its user would write it. */
export function openProgramStage(
	command: readonly string[],
	subject: string,
	env: NodeJS.ProcessEnv,
	signal: NodeJS.Signals,
): Stage {
	const unshare = findUnshare();
	if (unshare)
		return {
			kind: "namespace",
			subject,
			how: "as PID 1 of a new PID namespace",
			limits: [],
			signal,
			start: () => startInNamespace([...unshare, ...command], env, signal),
			close: async () => {},
		};
	const c = libc();
	const adopts = c?.becomeSubreaper() ?? false;
	if (c && adopts) startReaper(c, () => {});
	return {
		kind: "subreaper",
		subject,
		how: `as a child of lastcall${adopts ? ", which adopts its orphans" : ""}: no PID namespace can be made here`,
		limits: adopts ? BY_SUBREAPER : [...BY_SUBREAPER, "processes that left the program's own tree"],
		signal,
		start: () => startAsChild(command, env, signal),
		close: async () => {},
	};
}

/** unshare(1) with its flags. A user other than root also needs a user namespace. */
function findUnshare(): string[] | undefined {
	const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
	const unshare = ["unshare", ...user, "--pid", "--fork", "--mount-proc", "--kill-child"];
	const { status } = spawnSync("unshare", [...unshare.slice(1), "true"], { stdio: "ignore", timeout: TRY_MS });
	return status === 0 ? unshare : undefined;
}

async function startInNamespace(
	command: readonly string[],
	env: NodeJS.ProcessEnv,
	signal: NodeJS.Signals,
): Promise<Actor> {
	const { child, output, ended } = await launch(command, env);
	let init = 0;
	let signalOf: () => string | undefined = () => undefined;
	let hasEnded = false;
	void ended.then(() => {
		hasEnded = true;
	});
	const end = monotonicMs() + PATIENCE_MS;
	// The kernel drops a signal that comes before exec. No engine sends one so early, so wait until exec is done.
	while (!hasEnded && monotonicMs() < end) {
		if (init === 0) {
			init = childOf(child);
			if (init !== 0) signalOf = watchDeathSignal(init);
		}
		if (init !== 0 && !sameProgram(init, child)) break;
		await sleep(1);
	}
	if (init === 0 && !hasEnded) {
		child.kill("SIGKILL");
		throw new UserError(`Cannot rehearse ${show(command.join(" "))}: found no program after ${PATIENCE_MS} ms`);
	}
	return {
		startedAt: monotonicMs(),
		output,
		// Some versions of unshare(1) fail with 1 when SIGKILL has ended the program.
		ended: ended.then(({ code, at }) => ({ code: codeOf(signalOf()) ?? code, at })),
		isVisible: true,
		look: async () => lookAt(init, signal, true),
		stop: async () => stopAt(init, signal),
		// --kill-child ends the namespace with unshare. If unshare outlived the program, it would print a message.
		kill: async () => {
			child.kill("SIGKILL");
		},
		leftBehind: () => [],
		async [Symbol.asyncDispose]() {
			child.kill("SIGKILL");
			await within(ended, PATIENCE_MS);
			const isAlive = () => init !== 0 && (readKernelState(String(init))?.state ?? "Z") !== "Z";
			for (let waited = 0; isAlive() && waited < PATIENCE_MS; waited += LOOK_MS) await sleep(LOOK_MS);
		},
	};
}

/** The pid of the process's only child; 0 if there is none yet. */
function childOf({ pid }: ChildProcess): number {
	return Number.parseInt(attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")) || "0", 10);
}

function codeOf(signal: string | undefined): number | undefined {
	return signal === undefined ? undefined : 128 + signalNumber(signal);
}

function sameProgram(pid: number, { pid: other }: ChildProcess): boolean {
	const exe = (of: number | undefined) => attempt(() => readlinkSync(`/proc/${of}/exe`));
	return exe(pid) === exe(other);
}

async function startAsChild(
	command: readonly string[],
	env: NodeJS.ProcessEnv,
	signal: NodeJS.Signals,
): Promise<Actor> {
	const { child, output, ended } = await launch(command, env);
	const pid = child.pid as number;
	const left = () => livingDescendants(process.pid).filter((info) => info.pid !== pid);
	return {
		startedAt: monotonicMs(),
		output,
		ended,
		isVisible: true,
		look: async () => lookAt(pid, signal, false),
		stop: async () => stopAt(pid, signal),
		kill: async () => {
			send(pid, "SIGKILL");
		},
		leftBehind: () => left().map((info) => info.command),
		async [Symbol.asyncDispose]() {
			child.kill("SIGKILL");
			await within(ended, PATIENCE_MS);
			// All our descendants belong to this run, because runs never overlap.
			await endStragglers({ stopMs: 0, killMs: PATIENCE_MS }, false);
		},
	};
}

function stopAt(pid: number, signal: NodeJS.Signals): number {
	const at = monotonicMs();
	send(pid, signal);
	return at;
}

async function launch(command: readonly string[], env: NodeJS.ProcessEnv) {
	const [program = "", ...args] = command;
	// The program gets its own session: Ctrl-C must reach only us.
	const child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
	const ended = new Promise<Ended>((resolve) => {
		child.on("exit", (code, signal) => {
			resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), at: monotonicMs() });
		});
	});
	try {
		await once(child, "spawn");
	} catch (error) {
		throw new UserError(`Cannot rehearse ${show(program)}: ${(error as Error).message}`);
	}
	// kill(2) may fail when the program has another user's rights by then.
	child.on("error", () => {});
	return { child, output: new Output(child.stdout, child.stderr), ended };
}
