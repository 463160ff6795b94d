/** What /proc says about processes. */
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";

export interface Process {
	readonly pid: number;
	readonly parent: number;
	readonly name: string;
	/** In clock ticks since boot: with the pid it names a process for good. */
	readonly started: string;
}

/** Every process that has not ended. */
export function allProcesses(): Process[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.map((pid) => readProcess(Number(pid)))
		.filter((process) => process !== undefined);
}

/** Undefined for a zombie too: it has ended, and its parent may never collect it. */
export function readProcess(pid: number): Process | undefined {
	const stat = read(`/proc/${pid}/stat`);
	// The name may have spaces and brackets in it.
	const end = stat.lastIndexOf(")");
	const [state, parent, ...rest] = stat.slice(end + 2).split(" ");
	if (end === -1 || state === "Z" || state === "X") return undefined;
	return { pid, parent: Number(parent), name: stat.slice(stat.indexOf("(") + 1, end), started: rest[17] ?? "" };
}

/** The pid may be somebody else's by now. */
export function isRunning({ pid, started }: Process): boolean {
	return readProcess(pid)?.started === started;
}

export function childrenOf(pid: number): number[] {
	return read(`/proc/${pid}/task/${pid}/children`)
		.split(" ")
		.filter((child) => child !== "")
		.map(Number);
}

/** As `NAME=value`; empty for a process whose memory we may not read. */
export function environmentOf(pid: number): string[] {
	return read(`/proc/${pid}/environ`).split("\0");
}

export function commandOf(pid: number): string {
	return read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}

/** Whether a process has a handler for a signal. */
export function catches(pid: number, signal: NodeJS.Signals): boolean {
	const [, mask = "0"] = /^SigCgt:\s*([\da-f]+)$/m.exec(read(`/proc/${pid}/status`)) ?? [];
	const bit = BigInt(constants.signals[signal] - 1);
	return ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
}

function read(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return "";
	}
}
