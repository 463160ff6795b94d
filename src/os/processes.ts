/** What /proc tells of the processes around us: proc_pid_stat(5). */
import { readdirSync, readFileSync } from "node:fs";
import { attempt } from "../errors.ts";

export interface ProcessInfo {
	readonly pid: number;
	readonly parent: number;
	/** One letter: `R`unning, `S`leeping, `D` (uninterruptible), `T` (stopped), `Z`ombie, … */
	readonly state: string;
	/** Command line, or the short name in brackets where there is none; at most 200 characters. */
	readonly command: string;
}

const COMMAND_LENGTH = 200;

/** Every process of the PID namespace that /proc shows. Empty where /proc is hidden. */
export function listProcesses(): ProcessInfo[] {
	const entries = attempt(() => readdirSync("/proc")) ?? [];
	return entries
		.filter((entry) => /^\d+$/.test(entry))
		.map((entry) => readProcess(Number(entry)))
		.filter((info) => info !== undefined);
}

/** `undefined` if the process has vanished, or is not ours to see. */
export function readProcess(pid: number): ProcessInfo | undefined {
	return attempt(() => {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		// The name stands in parentheses and may itself contain some, and blanks: split at the last one.
		const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
		const [state = "?", parent = "0"] = stat
			.slice(stat.lastIndexOf(")") + 2)
			.split(" ");
		const line = readFileSync(`/proc/${pid}/cmdline`, "utf8")
			.replaceAll("\0", " ")
			.trim();
		const command = (line || `[${name}]`).slice(0, COMMAND_LENGTH);
		return { pid, parent: Number(parent), state, command };
	});
}

/** All processes below one: children, their children, …; zombies left out. */
export function livingDescendants(
	of: number,
	all = listProcesses(),
): ProcessInfo[] {
	const family = new Set([of]);
	// Parents may stand behind their children in the list (pids wrap around): go on until nothing is added.
	for (let size = 0; size !== family.size; ) {
		size = family.size;
		for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
	}
	return all.filter(
		({ pid, state }) => pid !== of && family.has(pid) && state !== "Z",
	);
}
