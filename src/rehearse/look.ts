/** Reads from /proc which processes a run has, which of them listen to the stop signal, and which were cut off. */
import { readFileSync } from "node:fs";
import { constants, release } from "node:os";
import { attempt } from "../base/errors.ts";
import { monotonicMs } from "../base/time.ts";
import { libc } from "../os/ffi/libc.ts";
import { type KernelState, readKernelState, watchDeathSignal } from "../os/processes/kernel-state.ts";
import { listStates, livingDescendants, nameFirst, type ProcessInfo, readProcess } from "../os/processes/processes.ts";

/** At most this many processes are named or watched. */
const NAMED = 100;
/** The first Linux version that tells how a process has ended even if it is not our child. */
const TELLS_SINCE = [6, 15] as const;

export interface Look {
	/** The time of the look: {@link monotonicMs}. */
	readonly at: number;
	/** The first process of the run. Absent if it has ended. */
	readonly init?: ProcessInfo;
	/** All other living processes. */
	readonly others: readonly ProcessInfo[];
	readonly zombies: readonly ProcessInfo[];
	/** Whether the stop signal has any effect on the first process. Absent if that is not known. */
	readonly listens?: boolean;
}

/**
 * Looks at a process and its descendants.
 *
 * @param isInit Whether the process is PID 1 of its namespace. A signal without a handler does nothing to PID 1.
 */
export function lookAt(pid: number, signal: NodeJS.Signals, isInit: boolean): Look {
	const at = monotonicMs();
	const states = listStates();
	const init = readProcess(pid);
	const living = livingDescendants(pid, states);
	const family = new Set([pid, ...living.map((state) => state.pid)]);
	const zombies = states.filter(({ state, parent }) => state === "Z" && family.has(parent));
	const listens = listensTo(pid, signal, isInit);
	return {
		at,
		...(init && init.state !== "Z" && { init }),
		others: nameFirst(NAMED, living),
		zombies: nameFirst(NAMED, zombies),
		...(listens !== undefined && { listens }),
	};
}

/** Small inits block the signals and wait in sigtimedwait(2). During that wait SigBlk does not show the signals. */
function listensTo(pid: number, signal: NodeJS.Signals, isInit: boolean): boolean | undefined {
	const status = attempt(() => readFileSync(`/proc/${pid}/status`, "latin1"));
	if (status === undefined) return undefined;
	const has = (field: string) =>
		hasSignal(new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0", signal);
	if (has("SigIgn")) return false;
	return !isInit || has("SigCgt") || has("SigBlk") || readKernelState(String(pid))?.call === "rt_sigtimedwait";
}

/** Whether a signal is in a mask. The mask is hexadecimal, as /proc and ps(1) print it. */
export function hasSignal(mask: string, signal: NodeJS.Signals): boolean {
	const bits = attempt(() => BigInt(`0x${mask}`)) ?? 0n;
	return (bits & (1n << BigInt(constants.signals[signal] - 1))) !== 0n;
}

export interface Late {
	readonly command: string;
	/** What the process was doing. Absent if /proc does not tell. */
	readonly where?: KernelState;
}

/** What the processes of a look are doing now. */
export function whereAre({ init, others }: Look): Late[] {
	return [...(init ? [init] : []), ...others].slice(0, NAMED).map(({ pid, command }) => {
		const where = readKernelState(String(pid));
		return { command, ...(where && { where }) };
	});
}

/**
 * Watches processes for SIGKILL. When PID 1 ends, the kernel sends SIGKILL to all other processes of the namespace.
 *
 * @returns A function to call once, when the run has ended. It returns the commands of the processes that were cut off.
 * `undefined` if the kernel does not tell.
 */
export function watchCutOff(processes: readonly ProcessInfo[]): (() => string[]) | undefined {
	const [major = 0, minor = 0] = release().split(".").map(Number);
	const [least, part] = TELLS_SINCE;
	if (!libc() || major < least || (major === least && minor < part)) return undefined;
	const watches = processes.slice(0, NAMED).map(({ pid, command }) => ({ command, signalOf: watchDeathSignal(pid) }));
	return () => watches.filter(({ signalOf }) => signalOf() === "SIGKILL").map(({ command }) => command);
}
