/**
 * Ends whatever is still running when every job has exited: daemons, orphans, processes that left their group.
 *
 * As PID 1 that is every other process of the PID namespace, reached at once by kill(-1) without a look at /proc. Anywhere
 * else kill(-1) would take down the user's machine: there only our own descendants are ended, each by its pid.
 *
 * Invariants:
 * - Only who can be reached is waited for: not a process of another user, which the kernel will end with us.
 * - Guests (`docker exec`, whose parent is outside the namespace) get the signals like all others, but a shell that
 *   somebody has open in there neither delays the stop nor counts as work that was cut off.
 * - Who was killed is what SIGKILL was sent to. Where there is little processor time they can take longer to go than we wait.
 * - Where /proc shows nobody but us, kill(2) is believed.
 */
import { monotonicMs } from "../../base/time.ts";
import { listStates, livingDescendants, type ProcessInfo, type ProcessState, readProcess, send } from "./processes.ts";

/** How often to look again: not every exit comes with a SIGCHLD for us. */
const LOOK_MS = 10;
/** So many are named; there can be thousands. */
const NAMED = 50;

export interface StragglerReport {
	/** Who was there before the first signal, the first fifty of them. Empty where /proc is hidden. */
	readonly found: readonly ProcessInfo[];
	/** Who got SIGKILL, the first fifty of them. */
	readonly killed: readonly ProcessInfo[];
	/** Whether SIGKILL was needed: known even where /proc hides others. */
	readonly forced: boolean;
}

export interface StragglerTimes {
	/** Milliseconds between SIGTERM and SIGKILL. */
	readonly stopMs: number;
	/** Milliseconds to wait for the effect of SIGKILL. */
	readonly killMs: number;
}

/** Never throws; takes no longer than the two times together. */
export async function endStragglers(times: StragglerTimes, isInit = process.pid === 1): Promise<StragglerReport> {
	// Mostly there is nobody: one system call instead of a look at all of /proc.
	if (isInit && !send(-1, 0)) return NOBODY;
	const crowd = isInit ? everyoneElse : descendants;
	const found = crowd.list();
	if (!isInit && found.length === 0) return NOBODY;
	// Named now: later they have no command line any more.
	const named = nameProcesses(found);
	crowd.signal("SIGTERM");
	// A stopped process acts on SIGTERM only once it runs again.
	crowd.signal("SIGCONT");
	if (await gone(crowd, times.stopMs)) return { found: named, killed: [], forced: false };
	const stubborn = crowd.list();
	const forced = stubborn.length > 0 || crowd.hasUnseen();
	const killed = nameProcesses(stubborn);
	crowd.signal("SIGKILL");
	await gone(crowd, times.killMs);
	return { found: named, killed, forced };
}

const NOBODY: StragglerReport = { found: [], killed: [], forced: false };

interface Crowd {
	/** Who is to be waited for. */
	list(): ProcessState[];
	/** Whether somebody is there whom /proc does not show. */
	hasUnseen(): boolean;
	signal(signal: NodeJS.Signals): void;
}

const everyoneElse: Crowd = {
	list() {
		const all = listStates().filter(({ state }) => state !== "Z");
		const guests = all.filter(({ pid, parent }) => parent === 0 && pid !== process.pid);
		const apart = new Set([process.pid]);
		for (const guest of [...guests, ...guests.flatMap(({ pid }) => livingDescendants(pid, all))]) apart.add(guest.pid);
		return all.filter(({ pid }) => !apart.has(pid) && isInReach(pid));
	},
	/**
	 * No /proc at all, or one with hidepid: that hides other users' processes even from root, unless it has CAP_SYS_PTRACE. Only
	 * kill(2) can tell then whether somebody is there; zombies count for it, until they are reaped.
	 */
	hasUnseen: () => listStates().every(({ pid }) => pid === process.pid) && send(-1, 0),
	signal: (signal) => void send(-1, signal),
};

const descendants: Crowd = {
	list: () => livingDescendants(process.pid, listStates()).filter(({ pid }) => isInReach(pid)),
	// Whom /proc does not show cannot be told from strangers.
	hasUnseen: () => false,
	signal(signal) {
		for (const { pid } of this.list()) send(pid, signal);
	},
};

async function gone(crowd: Crowd, withinMs: number): Promise<boolean> {
	const end = monotonicMs() + withinMs;
	while (crowd.list().length > 0 || crowd.hasUnseen()) {
		if (monotonicMs() >= end) return false;
		await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
	}
	return true;
}

function isInReach(pid: number): boolean {
	return send(pid, 0);
}

function nameProcesses(states: readonly ProcessState[]): ProcessInfo[] {
	return states
		.slice(0, NAMED)
		.map(({ pid }) => readProcess(pid))
		.filter((info) => info !== undefined);
}
