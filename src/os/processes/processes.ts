/**
 * The processes and process groups around us, as /proc and kill(2) show them: who is alive, and when a group has gone.
 *
 * kill(2) tells at once whether a group has members, but it counts zombies. /proc tells which members are alive. As PID
 * 1 our reaper soon collects the zombies, and kill(2) is enough. Elsewhere some stay.
 *
 * Invariants:
 * - A group is signalled only when a member was just seen in it. The kernel reuses the group's number once the last
 *   member is collected, but not before (a member holds the struct pid).
 * - Zombies do not count, nor do processes of another user that we may not signal: waiting cannot end them.
 * - If /proc hides the members, kill(2) is believed.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { attempt } from "../../base/errors.ts";
import { monotonicMs } from "../../base/time.ts";

/** From proc_pid_stat(5). */
export interface ProcessState {
	readonly pid: number;
	/** 0: the process came into the PID namespace from outside. */
	readonly parent: number;
	/** Its process group; 0: one of another PID namespace. */
	readonly group: number;
	/** One letter: `R`unning, `S`leeping, `D` (uninterruptible), `T` (stopped), `Z`ombie, … */
	readonly state: string;
}

export interface ProcessInfo extends ProcessState {
	/** Command line, or the short name in brackets if there is none; at most 200 characters. */
	readonly command: string;
}

const COMMAND_LENGTH = 200;
/** The interval at which kill(2) is asked whether a group has gone: at first, and at the longest. */
const ASK_MS = 10;
const ASK_MAX_MS = 100;
/** The interval at which /proc is asked: that costs a few system calls for each process there is. */
const LIST_MS = 100;
/** A listing of /proc serves all questions for this long: a thousand jobs may end, or be late, at once. */
const SAME_MOMENT_MS = 20;
/** How many members of a group nameGroup() returns. */
const NAMED = 20;

/** Every process of the PID namespace that /proc shows. Empty if /proc is hidden. */
export function listProcesses(): ProcessInfo[] {
	return list(readProcess);
}

/** The same without command lines: this is cheap, and cannot block. */
export function listStates(): ProcessState[] {
	return list(readStat);
}

function list<Info>(read: (pid: number) => Info | undefined): Info[] {
	const entries = attempt(() => readdirSync("/proc")) ?? [];
	return entries
		.filter((entry) => /^\d+$/.test(entry))
		.map((entry) => read(Number(entry)))
		.filter((info) => info !== undefined);
}

/** The first `count` of these processes, with their command lines. */
export function nameFirst(count: number, states: readonly ProcessState[]): ProcessInfo[] {
	return states
		.slice(0, count)
		.map(({ pid }) => readProcess(pid))
		.filter((info) => info !== undefined);
}

/** `undefined` if the process has vanished, or if we may not see it. */
export function readProcess(pid: number): ProcessInfo | undefined {
	const stat = readStat(pid);
	if (!stat) return undefined;
	const { name, ...state } = stat;
	const line = mayBlock(state) ? "" : attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
	if (line === undefined) return undefined;
	const command = line.replaceAll("\0", " ").trim() || `[${name}]`;
	return { ...state, command: command.slice(0, COMMAND_LENGTH) };
}

/**
 * Whether reading the command line could block. It lies in the memory of the process, and a process in state D may hold
 * the lock of that memory for ever. A shell that waits for its child of vfork(2) is in state D, too, but holds no lock.
 */
function mayBlock({ pid, state }: ProcessState): boolean {
	if (state !== "D") return false;
	const waitsIn = attempt(() => readFileSync(`/proc/${pid}/wchan`, "latin1"));
	return !/vfork|clone/.test(waitsIn ?? "");
}

function readStat(pid: number): (ProcessState & { readonly name: string }) | undefined {
	if (!isOurProc()) return undefined;
	const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
	if (stat === undefined) return undefined;
	// The name stands in parentheses, and may contain parentheses and blanks itself: split at the last parenthesis.
	const end = stat.lastIndexOf(")");
	const [state = "?", parent = "0", group = "0"] = stat.slice(end + 2).split(" ", 3);
	const name = stat.slice(stat.indexOf("(") + 1, end);
	return { pid, parent: Number(parent), group: Number(group), state, name };
}

let ours: boolean | undefined;

/**
 * Whether /proc has our pids. If it belongs to another PID namespace (unshare(1) without `--mount-proc`), each of its
 * pids means some other process, and a signal to it would hit a stranger. Such a /proc is as good as none.
 */
export function isOurProc(): boolean {
	ours ??= attempt(() => readlinkSync("/proc/self")) === String(process.pid);
	return ours;
}

/** The children of a process, their children, and so on, without zombies. */
export function livingDescendants<State extends ProcessState>(of: number, all: readonly State[]): State[];
export function livingDescendants(of: number): ProcessInfo[];
export function livingDescendants(of: number, all: readonly ProcessState[] = listProcesses()): ProcessState[] {
	const family = new Set([of]);
	// A parent may stand behind its child in the list (pids wrap around): repeat until nothing is added.
	for (let size = 0; size !== family.size; ) {
		size = family.size;
		for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
	}
	return all.filter(({ pid, state }) => pid !== of && family.has(pid) && state !== "Z");
}

/**
 * Sends a signal: kill(2).
 *
 * @param pid A process, or with a minus a process group.
 * @param signal 0 only checks whether a signal could be sent.
 * @returns `false` if there is no such process, or none that we may signal.
 */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
	return attempt(() => process.kill(pid, signal)) ?? false;
}

/**
 * Gives a thread, or the main thread of a process, the lowest priority: setpriority(2). Use it only for what is about
 * to be killed: lowering a priority needs no privilege, but raising it again does.
 *
 * @param id Of a thread, or of a process.
 */
export function giveWay(id: number): void {
	attempt(() => setPriority(id, constants.priority.PRIORITY_LOW));
}

/** Whether a process of the group is alive. */
export function isGroupAlive(group: number): boolean {
	if (!send(-group, 0)) return false;
	const members = membersOf(group);
	return members.length === 0 || members.some(({ pid, state }) => state !== "Z" && send(pid, 0));
}

/** Signals every process of the group, if one is alive. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
	if (isGroupAlive(group)) send(-group, signal);
}

/**
 * The first twenty living processes of the group. Empty if /proc hides them.
 *
 * @param ms How old the listing may be, in milliseconds. @default 20
 */
export function nameGroup(group: number, ms = SAME_MOMENT_MS): ProcessInfo[] {
	const living = membersOf(group, ms).filter(({ state }) => state !== "Z");
	return nameFirst(NAMED, living);
}

/** Settles when no process of the group is alive any more, which may be never. */
export async function groupGone(group: number): Promise<void> {
	let askedAt = monotonicMs();
	for (let ms = ASK_MS; ; ms = Math.min(ms * 1.1, ASK_MAX_MS)) {
		await new Promise((resolve) => setTimeout(resolve, ms));
		if (!send(-group, 0)) return;
		if (monotonicMs() - askedAt < LIST_MS) continue;
		if (!isGroupAlive(group)) return;
		askedAt = monotonicMs();
	}
}

let listing: readonly ProcessState[] = [];
let listedAt = Number.NEGATIVE_INFINITY;

function membersOf(group: number, ms = SAME_MOMENT_MS): ProcessState[] {
	if (monotonicMs() - listedAt > ms) {
		listing = listStates();
		listedAt = monotonicMs();
	}
	return listing.filter((state) => state.group === group);
}
