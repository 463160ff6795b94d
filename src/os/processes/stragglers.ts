/**
 * Ends the stragglers, the processes left when every job has exited: daemons, orphans, those that left their group.
 *
 * As PID 1 these are all other processes of the PID namespace, and kill(-1) reaches them without /proc.
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

/** The interval of checks whether all have gone: not every exit sends us a SIGCHLD. */
const POLL_MS = 10;
/** How many the report names; there can be thousands. */
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
 * @param times Milliseconds: `stopMs` between SIGTERM and SIGKILL, `killMs` for the wait after SIGKILL.
 * @param isInit Whether all other processes are stragglers, or only our descendants.
 */
export async function endStragglers(
	times: { readonly stopMs: number; readonly killMs: number },
	isInit = process.pid === 1,
): Promise<StragglerReport> {
	// Usually nobody is there: one system call instead of a listing of /proc.
	if (isInit && !send(-1, 0)) return NOBODY;
	const targets = isInit ? everyoneElse : descendants;
	const present = targets.list();
	if (!isInit && present.length === 0) return NOBODY;
	// Named now: a dead process has no command line.
	const found = nameFirst(NAMED, present);
	targets.signal("SIGTERM");
	// A stopped process acts on SIGTERM only after SIGCONT.
	targets.signal("SIGCONT");
	if (await gone(targets, times.stopMs)) return { found, killed: [], forced: false };
	const stubborn = targets.list();
	const forced = stubborn.length > 0 || targets.hasUnseen();
	const killed = nameFirst(NAMED, stubborn);
	targets.signal("SIGKILL");
	await gone(targets, times.killMs);
	return { found, killed, forced };
}

const everyoneElse = {
	/** The processes to wait for. */
	list(): ProcessState[] {
		const all = listStates().filter(({ state }) => state !== "Z");
		const guests = all.filter(({ pid, parent }) => parent === 0 && pid !== process.pid);
		const guestFamilies = [...guests, ...guests.flatMap(({ pid }) => livingDescendants(pid, all))];
		const excluded = new Set([process.pid, ...guestFamilies.map(({ pid }) => pid)]);
		return all.filter(({ pid }) => !excluded.has(pid) && send(pid, 0));
	},
	/**
	 * Whether there is a process that /proc does not show: without /proc, or with hidepid, which hides other users'
	 * processes even from root without CAP_SYS_PTRACE. Then only kill(2) can tell, but it counts zombies, too.
	 */
	hasUnseen: () => listStates().every(({ pid }) => pid === process.pid) && send(-1, 0),
	signal: (signal: NodeJS.Signals): void => void send(-1, signal),
};

type Targets = typeof everyoneElse;

const descendants: Targets = {
	list: () => livingDescendants(process.pid, listStates()).filter(({ pid }) => send(pid, 0)),
	// A process that /proc does not show could be a stranger.
	hasUnseen: () => false,
	signal(signal) {
		for (const { pid } of this.list()) send(pid, signal);
	},
};

async function gone(targets: Targets, withinMs: number): Promise<boolean> {
	const end = monotonicMs() + withinMs;
	while (targets.list().length > 0 || targets.hasUnseen()) {
		if (monotonicMs() >= end) return false;
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
	return true;
}
