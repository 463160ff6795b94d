/** What the kernel says of one thread or process. Reading it neither stops nor disturbs the other side. */
import { readFileSync } from "node:fs";
import { attempt } from "../errors.ts";
import { nameOfSyscall } from "./syscalls.ts";

export interface KernelState {
	/** One letter: `R`unning, `S`leeping, `D` (uninterruptible), `T` (stopped), …: proc_pid_stat(5). */
	readonly state: string;
	/** Name of the system call it waits in, or `system call 123`: proc_pid_syscall(5). */
	readonly call?: string;
	/** Function of the kernel it sleeps in: proc_pid_wchan(5). */
	readonly waitsIn?: string;
}

/**
 * @param task `PID`, or `PID/task/TID`: a folder of /proc.
 * @returns `undefined` if it is gone, or not ours to see.
 */
export function readKernelState(task: string): KernelState | undefined {
	const read = (file: string) =>
		attempt(() => readFileSync(`/proc/${task}/${file}`, "latin1").trim());
	const stat = read("stat");
	if (!stat) return undefined;
	const state = stat.charAt(stat.lastIndexOf(")") + 2);
	const [number] = read("syscall")?.split(" ") ?? [];
	// "running": it was on a processor; "-1": it waits, but in no system call.
	const call =
		number && /^\d+$/.test(number) ? nameOfSyscall(Number(number)) : undefined;
	const wchan = read("wchan");
	return {
		state,
		...(call !== undefined && { call }),
		// "0": it does not sleep, or we may not know.
		...(wchan && wchan !== "0" && { waitsIn: wchan }),
	};
}
