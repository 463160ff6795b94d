// The way of the stop request from the main thread to a job's code: flag.ts WAY TIMES. Prints a JSON array: microseconds of each time.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Duplex, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { DOWN, Flag, RaisableFlag, WORDS } from "../../../src/job/context.ts";
import { flagVariables, mapFlag, ProcessFlag } from "../../../src/job/process-flag.ts";

/** What the main thread and the one that waits share: whether that waits, and when it has seen the request. */
interface Round {
	readonly memory: SharedArrayBuffer;
	readonly armed: SharedArrayBuffer;
	readonly seen: SharedArrayBuffer;
}

/** How the thread learns of it. */
const WAYS: Readonly<Record<string, (flag: Flag, arm: () => void) => unknown>> = {
	isSet(flag, arm) {
		arm();
		while (!flag.isSet);
	},
	wait(flag, arm) {
		arm();
		flag.wait();
	},
	raised(flag, arm) {
		const raised = flag.raised();
		arm();
		return raised;
	},
	signal(flag, arm) {
		const aborted = new Promise((resolve) => flag.signal.addEventListener("abort", resolve));
		arm();
		return aborted;
	},
	postMessage(_, arm) {
		const message = new Promise((resolve) => parentPort?.once("message", resolve));
		arm();
		return message;
	},
};

const [way = "", times = "1"] = process.argv.slice(2);

if (!isMainThread) inThread();
else if (way === "process") await toProcess();
else if (way === "child") inChild();
else if (way === "sharedIsSet" || way === "sharedWait") await toSharedFlag();
else if (way === "sharedRaised") await toNewProcesses(startShared, ({ flag }) => flag.raise());
else if (way === "execa") await toNewProcesses(startExeca, ({ cancel }) => cancel.abort());
else if (way.startsWith("child ")) await inChildThatShares(way.slice("child ".length));
else await toThread();

function inThread(): void {
	setInterval(() => {}, 0x7fffffff);
	parentPort?.on("message", async (round: Round | "stop") => {
		if (round === "stop") return;
		const armed = new Int32Array(round.armed);
		await WAYS[way]?.(new Flag(round.memory), () => {
			Atomics.store(armed, 0, 1);
		});
		const now = process.hrtime.bigint();
		Atomics.store(new BigInt64Array(round.seen), 0, now);
		Atomics.store(armed, 0, 2);
		Atomics.notify(armed, 0);
	});
}

async function toThread(): Promise<void> {
	const worker = new Worker(new URL(import.meta.url), { argv: [way] });
	const found: number[] = [];
	for (let time = 0; time < Number(times); time++) {
		const flag = new RaisableFlag();
		const round: Round = { memory: flag.memory, armed: new SharedArrayBuffer(4), seen: new SharedArrayBuffer(8) };
		const armed = new Int32Array(round.armed);
		worker.postMessage(round);
		while (Atomics.load(armed, 0) === 0) await sleep(1);
		// It has said that it waits right before it does.
		await sleep(2);
		const asked = process.hrtime.bigint();
		if (way === "postMessage") worker.postMessage("stop");
		else flag.raise();
		while (Atomics.load(armed, 0) !== 2) await sleep(1);
		found.push(microseconds(asked, Atomics.load(new BigInt64Array(round.seen), 0)));
	}
	end(found);
}

/** By SIGTERM to a process of Node.js. */
async function toProcess(): Promise<void> {
	const child = spawn(process.execPath, [import.meta.filename, "child"], { stdio: ["ignore", "pipe", "inherit"] });
	child.stdout.setEncoding("utf8");
	const found: number[] = [];
	await once(child.stdout, "data");
	for (let time = 0; time < Number(times); time++) {
		await sleep(2);
		const answer = once(child.stdout, "data");
		const asked = process.hrtime.bigint();
		child.kill("SIGTERM");
		const [seen] = await answer;
		found.push(microseconds(asked, BigInt(String(seen).trim())));
	}
	child.kill("SIGKILL");
	end(found);
}

function inChild(): void {
	process.on("SIGTERM", () => {
		const now = process.hrtime.bigint();
		process.stdout.write(`${now}\n`);
	});
	setInterval(() => {}, 0x7fffffff);
	process.stdout.write("ready\n");
}

interface Told {
	readonly child: ChildProcess;
	readonly flag: ProcessFlag;
	readonly cancel: AbortController;
}

/** A process of Node.js with a flag of lastcall's. */
async function startShared(how: string): Promise<Pick<Told, "child" | "flag">> {
	const flag = ProcessFlag.create();
	if (!flag) throw new Error("Expected a binding for shared memory");
	const child = spawn(process.execPath, [import.meta.filename, `child ${how}`], {
		stdio: ["ignore", "pipe", "inherit", ...flag.descriptors],
		env: { ...process.env, ...flagVariables(3) },
	});
	flag.started(child.stdio[4] as Duplex);
	return { child, flag };
}

async function startExeca(): Promise<Pick<Told, "child" | "cancel">> {
	const { execa } = await import("execa");
	const cancel = new AbortController();
	const started = execa(process.execPath, [import.meta.filename, "child execa"], {
		cancelSignal: cancel.signal,
		gracefulCancel: true,
		buffer: false,
		reject: false,
	});
	return { child: started.nodeChildProcess, cancel };
}

/** One process, whose flag is lowered after each time. */
async function toSharedFlag(): Promise<void> {
	const { child, flag } = await startShared(way);
	const lines = linesOf(child);
	const found: number[] = [];
	for (let time = 0; time < Number(times); time++) {
		await lines.next();
		await sleep(2);
		const asked = process.hrtime.bigint();
		flag.raise();
		const { value } = await lines.next();
		found.push(microseconds(asked, BigInt(value as string)));
		Atomics.store(flag.words, WORDS.flag, DOWN);
	}
	child.kill("SIGKILL");
	end(found);
}

async function toNewProcesses<Some extends { readonly child: ChildProcess }>(
	start: (how: string) => Promise<Some>,
	tell: (some: Some) => void,
): Promise<void> {
	const found: number[] = [];
	for (let time = 0; time < Number(times); time++) {
		const some = await start(way);
		const lines = linesOf(some.child);
		await lines.next();
		await sleep(20);
		const asked = process.hrtime.bigint();
		tell(some);
		const { value } = await lines.next();
		found.push(microseconds(asked, BigInt(value as string)));
		some.child.kill("SIGKILL");
	}
	end(found);
}

function linesOf({ stdout }: ChildProcess): AsyncIterator<string> {
	return createInterface({ input: stdout as Readable })[Symbol.asyncIterator]();
}

async function inChildThatShares(how: string): Promise<void> {
	setInterval(() => {}, 0x7fffffff);
	// process.stdout is slower, and its first write loads it.
	const print = (line: unknown) => writeSync(1, `${line}\n`);
	if (how === "execa") {
		const { getCancelSignal } = await import("execa");
		const signal = await getCancelSignal();
		signal.addEventListener("abort", () => print(process.hrtime.bigint()));
		print("ready");
		return;
	}
	const flag = mapFlag(process.env)?.flag;
	if (!flag) throw new Error("Expected a flag");
	if (how === "sharedRaised") {
		const raised = flag.raised();
		print("ready");
		await raised;
		print(process.hrtime.bigint());
		return;
	}
	for (;;) {
		print("ready");
		if (how === "sharedWait") flag.wait();
		else while (!flag.isSet);
		print(process.hrtime.bigint());
		while (flag.isSet);
	}
}

function microseconds(from: bigint, to: bigint): number {
	return Number(to - from) / 1_000;
}

function end(found: readonly number[]): never {
	process.stdout.write(JSON.stringify(found));
	process.exit(0);
}
