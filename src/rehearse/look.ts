/** What /proc shows of the processes of a run: who is there, who listens to the stop signal, who was cut off. */
import { readFileSync } from "node:fs";
import { constants, release } from "node:os";
import { attempt } from "../base/errors.ts";
import { monotonicMs } from "../base/time.ts";
import { libc } from "../os/ffi/libc.ts";
import { type KernelState, readKernelState, watchDeathSignal } from "../os/processes/kernel-state.ts";
import { listStates, livingDescendants, nameFirst, type ProcessInfo, readProcess } from "../os/processes/processes.ts";

/** How many processes are named or watched. */
const NAMED = 100;
/** The first Linux that tells how a process has ended that is not our child. */
const TELLS_SINCE = [6, 15] as const;

export interface Look {
	/** When it was: {@link monotonicMs}. */
	readonly at: number;
	/** The first process of the run. Absent if it has ended. */
	readonly init?: ProcessInfo;
	/** All others that are alive. */
	readonly others: readonly ProcessInfo[];
	readonly zombies: readonly ProcessInfo[];
	/** Whether the first process does something at the stop signal. Absent if that is not known. */
	readonly listens?: boolean;
}

/**
 * Looks at a process and all that stands below it.
 *
 * @param isInit Whether it is PID 1 of its namespace: then a signal without a handler does nothing.
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

/** Small inits block the signals and wait for them by sigtimedwait(2), during which SigBlk lacks them. */
function listensTo(pid: number, signal: NodeJS.Signals, isInit: boolean): boolean | undefined {
	const status = attempt(() => readFileSync(`/proc/${pid}/status`, "latin1"));
	if (status === undefined) return undefined;
	const has = (field: string) =>
		hasSignal(new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0", signal);
	if (has("SigIgn")) return false;
	return !isInit || has("SigCgt") || has("SigBlk") || readKernelState(String(pid))?.call === "rt_sigtimedwait";
}

/** Whether a signal is in a mask as /proc and ps(1) print it, in hexadecimal. */
export function hasSignal(mask: string, signal: NodeJS.Signals): boolean {
	const bits = attempt(() => BigInt(`0x${mask}`)) ?? 0n;
	return (bits & (1n << BigInt(constants.signals[signal] - 1))) !== 0n;
}

export interface Late {
	readonly command: string;
	/** What it was doing. Absent if /proc does not tell. */
	readonly where?: KernelState;
}

/** What the living processes of a look are doing at this moment. */
export function whereAre({ init, others }: Look): Late[] {
	return [...(init ? [init] : []), ...others].slice(0, NAMED).map(({ pid, command }) => {
		const where = readKernelState(String(pid));
		return { command, ...(where && { where }) };
	});
}

/**
 * Watches processes for the SIGKILL with which the kernel ends all others when PID 1 has ended.
 *
 * @returns A function to call once, when the run has ended: the commands of those that were cut off. `undefined` if the
 * kernel does not tell.
 */
export function watchCutOff(processes: readonly ProcessInfo[]): (() => string[]) | undefined {
	const [major = 0, minor = 0] = release().split(".").map(Number);
	const [least, part] = TELLS_SINCE;
	if (!libc() || major < least || (major === least && minor < part)) return undefined;
	const watches = processes.slice(0, NAMED).map(({ pid, command }) => ({ command, signalOf: watchDeathSignal(pid) }));
	return () => watches.filter(({ signalOf }) => signalOf() === "SIGKILL").map(({ command }) => command);
}
