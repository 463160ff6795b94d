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
import { monotonicMs } from "../clock.ts";
import {
	listStates,
	type ProcessInfo,
	type ProcessState,
	readProcess,
	send,
} from "./processes.ts";

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
