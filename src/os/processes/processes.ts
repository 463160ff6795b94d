/** What /proc tells of the processes around us: proc_pid_stat(5). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { attempt } from "../../base/errors.ts";
import { monotonicMs } from "../../base/time.ts";

export interface ProcessState {
	readonly pid: number;
	/** 0: it came into the PID namespace from outside. */
	readonly parent: number;
	/** Its process group; 0: one of another PID namespace. */
	readonly group: number;
	/** One letter: `R`unning, `S`leeping, `D` (uninterruptible), `T` (stopped), `Z`ombie, … */
	readonly state: string;
}

export interface ProcessInfo extends ProcessState {
	/** Command line, or the short name in brackets where there is none; at most 200 characters. */
	readonly command: string;
}

const COMMAND_LENGTH = 200;

/** Every process of the PID namespace that /proc shows. Empty where /proc is hidden. */
export function listProcesses(): ProcessInfo[] {
	return list(readProcess);
}

/** The same without command lines: cheap, and it cannot block. */
export function listStates(): ProcessState[] {
	return list((pid) => readStat(pid)?.state);
}

/** `undefined` if the process has vanished, or is not ours to see. */
export function readProcess(pid: number): ProcessInfo | undefined {
	const stat = readStat(pid);
	if (!stat) return undefined;
	const { state, name } = stat;
	const line = mayBlock(state) ? "" : attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
	if (line === undefined) return undefined;
	const command = line.replaceAll("\0", " ").trim() || `[${name}]`;
	return { ...state, command: command.slice(0, COMMAND_LENGTH) };
}

/**
 * kill(2): a pid, or a process group with a minus.
 *
 * @param signal 0 only looks whether it could be sent.
 * @returns `false`: nobody is there, or only such as we have no right to signal.
 */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
	try {
		process.kill(pid, signal);
		return true;
	} catch {
		return false;
	}
}

/** All processes below one: children, their children, …; zombies left out. */
export function livingDescendants<State extends ProcessState>(of: number, all: readonly State[]): State[];
export function livingDescendants(of: number): ProcessInfo[];
export function livingDescendants(of: number, all: readonly ProcessState[] = listProcesses()): ProcessState[] {
	const family = new Set([of]);
	// Parents may stand behind their children in the list (pids wrap around): go on until nothing is added.
	for (let size = 0; size !== family.size; ) {
		size = family.size;
		for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
	}
	return all.filter(({ pid, state }) => pid !== of && family.has(pid) && state !== "Z");
}

/**
 * Whether reading the command line could: it lies in the memory of the process, whose lock a process in state D may hold
 * for ever. One that waits for its child of vfork(2), as shells do, is in state D, too, and holds none.
 */
function mayBlock({ pid, state }: ProcessState): boolean {
	if (state !== "D") return false;
	const waitsIn = attempt(() => readFileSync(`/proc/${pid}/wchan`, "latin1"));
	return !/vfork|clone/.test(waitsIn ?? "");
}

function list<Info>(read: (pid: number) => Info | undefined): Info[] {
	const entries = attempt(() => readdirSync("/proc")) ?? [];
	return entries
		.filter((entry) => /^\d+$/.test(entry))
		.map((entry) => read(Number(entry)))
		.filter((info) => info !== undefined);
}

function readStat(pid: number): { state: ProcessState; name: string } | undefined {
	if (!isOurProc()) return undefined;
	const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
	if (stat === undefined) return undefined;
	// The name stands in parentheses and may itself contain some, and blanks: split at the last one.
	const end = stat.lastIndexOf(")");
	const [state = "?", parent = "0", group = "0"] = stat.slice(end + 2).split(" ", 3);
	return {
		state: { pid, parent: Number(parent), group: Number(group), state },
		name: stat.slice(stat.indexOf("(") + 1, end),
	};
}

let ours: boolean | undefined;

/**
 * Whether /proc has our numbers. With another PID namespace's (unshare(1) without `--mount-proc`) each of them means some
 * other process, and to signal by those would hit a stranger: as good as none.
 */
export function isOurProc(): boolean {
	ours ??= attempt(() => readlinkSync("/proc/self")) === String(process.pid);
	return ours;
}

// ==== from process-group.ts

/**
 * Process groups: who of one is alive, and when the last has gone.
 *
 * kill(2) tells at once whether anybody is in a group, zombies that nobody has collected included. /proc tells who of them
 * is alive. As PID 1 our reaper collects the zombies soon, and kill(2) alone is enough; elsewhere some stay.
 *
 * Invariants:
 * - A group is signalled only when somebody was just seen in it. The kernel gives its number to nobody else as long as it has a
 *   member (it holds the struct pid), but to anybody once the last one was collected.
 * - Zombies, and processes of another user that we may not signal, are nobody: no wait of ours could bring them to an end.
 * - Where /proc hides the members kill(2) is believed.
 */

/** How often kill(2) is asked, at first and in the end. */
const ASK_MS = 10;
const ASK_MAX_MS = 100;
/** How often /proc is looked at: that costs a few system calls for each process there is. */
const LOOK_MS = 100;
/** Looks of the same moment share one listing: a thousand jobs may have ended, or be late, at once. */
const SAME_MOMENT_MS = 20;
/** So many are named. */
const NAMED = 20;

/** Whether somebody is alive in the group. */
export function isGroupAlive(group: number): boolean {
	if (!send(-group, 0)) return false;
	const members = membersOf(group);
	return members.length === 0 || members.some(isInReach);
}

/** Signals everybody in the group, if somebody is alive in it. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
	if (isGroupAlive(group)) send(-group, signal);
}

/**
 * Who is alive in the group, the first twenty of them. Empty where /proc hides them.
 *
 * @param ms The list may be so many milliseconds old.
 */
export function nameGroup(group: number, ms = SAME_MOMENT_MS): ProcessInfo[] {
	return membersOf(group, ms)
		.filter(({ state }) => state !== "Z")
		.slice(0, NAMED)
		.map(({ pid }) => readProcess(pid))
		.filter((info) => info !== undefined);
}

/** Settles when nobody is alive in the group any more; it may wait for ever. */
export async function groupGone(group: number): Promise<void> {
	let looked = monotonicMs();
	for (let ms = ASK_MS; ; ms = Math.min(ms * 1.1, ASK_MAX_MS)) {
		await new Promise((resolve) => setTimeout(resolve, ms));
		if (!send(-group, 0)) return;
		if (monotonicMs() - looked < LOOK_MS) continue;
		if (!isGroupAlive(group)) return;
		looked = monotonicMs();
	}
}

let listing: readonly ProcessState[] = [];
let listedAt = Number.NEGATIVE_INFINITY;

/** @param ms How old the listing may be. */
function membersOf(group: number, ms = SAME_MOMENT_MS): ProcessState[] {
	if (monotonicMs() - listedAt > ms) {
		listing = listStates();
		listedAt = monotonicMs();
	}
	return listing.filter((state) => state.group === group);
}

function isInReach({ pid, state }: ProcessState): boolean {
	return state !== "Z" && send(pid, 0);
}

// ==== from priority.ts

/** Who comes first when processors are short. */

/**
 * Lowers a thread, or the main thread of a process, to the lowest priority: setpriority(2). That needs no right; to raise it again
 * would need one. So it is for what is to be killed.
 *
 * @param id Of a thread, or of a process.
 */
export function giveWay(id: number): void {
	attempt(() => setPriority(id, constants.priority.PRIORITY_LOW));
}
