/**
 * Ends the stragglers, the processes left when every job has exited: daemons, orphans, those that left their group.
 *
 * As PID 1 these are all other processes of the PID namespace, and kill(-1) reaches them without a look at /proc.
 * Elsewhere kill(-1) would take down the user's machine: only our descendants are ended, each by its pid.
 *
 * Invariants:
 * - We wait only for processes that we can signal. Those of another user are killed by the kernel when we end.
 * - Guests (`docker exec`: their parent is outside of the namespace) get the signals like all others. But a shell that
 *   somebody has open in the container neither delays the stop nor counts as work that was cut off.
 * - "Killed" means that SIGKILL was sent. If processor time is short, a process can take longer to go than we wait.
 * - If /proc shows nobody but us, kill(2) is believed.
 */
import { monotonicMs } from "../../base/time.ts";
import { listStates, livingDescendants, nameFirst, type ProcessInfo, type ProcessState, send } from "./processes.ts";

/** How often to look again: not every exit sends us a SIGCHLD. */
const LOOK_MS = 10;
/** How many are named; there can be thousands. */
const NAMED = 50;

export interface StragglerReport {
	/** The first fifty processes that were there before the first signal. Empty if /proc is hidden. */
	readonly found: readonly ProcessInfo[];
	/** The first fifty processes that got SIGKILL. */
	readonly killed: readonly ProcessInfo[];
	/** Whether SIGKILL was needed. Known even if /proc hides the processes. */
	readonly forced: boolean;
}

const NOBODY: StragglerReport = { found: [], killed: [], forced: false };

/**
 * Ends all stragglers: SIGTERM, then SIGKILL. Never throws, and takes no longer than the two times together.
 *
 * @param times Milliseconds: `stopMs` between SIGTERM and SIGKILL, `killMs` to wait for the effect of SIGKILL.
 */
export async function endStragglers(
	times: { readonly stopMs: number; readonly killMs: number },
	isInit = process.pid === 1,
): Promise<StragglerReport> {
	// Usually nobody is there: one system call instead of a look at all of /proc.
	if (isInit && !send(-1, 0)) return NOBODY;
	const crowd = isInit ? everyoneElse : descendants;
	const present = crowd.list();
	if (!isInit && present.length === 0) return NOBODY;
	// Named now: a dead process has no command line.
	const found = nameFirst(NAMED, present);
	crowd.signal("SIGTERM");
	// A stopped process acts on SIGTERM only after SIGCONT.
	crowd.signal("SIGCONT");
	if (await gone(crowd, times.stopMs)) return { found, killed: [], forced: false };
	const stubborn = crowd.list();
	const forced = stubborn.length > 0 || crowd.hasUnseen();
	const killed = nameFirst(NAMED, stubborn);
	crowd.signal("SIGKILL");
	await gone(crowd, times.killMs);
	return { found, killed, forced };
}

const everyoneElse = {
	/** The processes to wait for. */
	list(): ProcessState[] {
		const all = listStates().filter(({ state }) => state !== "Z");
		const guests = all.filter(({ pid, parent }) => parent === 0 && pid !== process.pid);
		const guestFamilies = [...guests, ...guests.flatMap(({ pid }) => livingDescendants(pid, all))];
		const apart = new Set([process.pid, ...guestFamilies.map(({ pid }) => pid)]);
		return all.filter(({ pid }) => !apart.has(pid) && send(pid, 0));
	},
	/**
	 * Whether there is a process that /proc does not show: without /proc, or with hidepid, which hides other users'
	 * processes even from root without CAP_SYS_PTRACE. Then only kill(2) can tell, but it counts zombies, too.
	 */
	hasUnseen: () => listStates().every(({ pid }) => pid === process.pid) && send(-1, 0),
	signal: (signal: NodeJS.Signals): void => void send(-1, signal),
};

type Crowd = typeof everyoneElse;

const descendants: Crowd = {
	list: () => livingDescendants(process.pid, listStates()).filter(({ pid }) => send(pid, 0)),
	// A process that /proc does not show could be a stranger.
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
