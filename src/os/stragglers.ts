/**
 * Ends whatever is still running when every job has exited: daemons, orphans, processes that left their group.
 *
 * As PID 1 that is every other process of the PID namespace, reached at once by kill(-1) without a look at /proc. Anywhere
 * else kill(-1) would take down the user's machine: there only our own descendants are ended, each by its pid.
 */
import {
	listProcesses,
	livingDescendants,
	type ProcessInfo,
} from "./processes.ts";

/** How often to look again: exits of processes that are not our children (`docker exec`) come without SIGCHLD. */
const LOOK_MS = 10;

export interface StragglerReport {
	/** Who was there, before the first signal. */
	readonly found: readonly ProcessInfo[];
	/** Who did not go after SIGTERM. */
	readonly killed: readonly ProcessInfo[];
}

export interface StragglerTimes {
	/** Milliseconds between SIGTERM and SIGKILL. */
	readonly stopMs: number;
	/** Milliseconds to wait for the effect of SIGKILL. */
	readonly killMs: number;
}

/** Never throws; takes no longer than the two times together. */
export async function endStragglers(
	times: StragglerTimes,
	isInit = process.pid === 1,
): Promise<StragglerReport> {
	const crowd = isInit ? everyoneElse : descendants;
	if (!crowd.exist()) return { found: [], killed: [] };
	const found = crowd.list();
	crowd.signal("SIGTERM");
	// A stopped process acts on SIGTERM only once it runs again.
	crowd.signal("SIGCONT");
	if (await gone(crowd, times.stopMs)) return { found, killed: [] };
	const killed = crowd.list();
	crowd.signal("SIGKILL");
	await gone(crowd, times.killMs);
	return { found, killed };
}

interface Crowd {
	exist(): boolean;
	list(): ProcessInfo[];
	signal(signal: NodeJS.Signals): void;
}

const everyoneElse: Crowd = {
	exist() {
		if (!send(-1, 0)) return false;
		// Zombies count for kill(2). Where /proc is hidden we cannot tell, and rather wait.
		const all = listProcesses();
		return all.length === 0 || all.some(isLivingOther);
	},
	list: () => listProcesses().filter(isLivingOther),
	signal: (signal) => void send(-1, signal),
};

const descendants: Crowd = {
	exist: () => livingDescendants(process.pid).length > 0,
	list: () => livingDescendants(process.pid),
	signal: (signal) => {
		for (const { pid } of livingDescendants(process.pid)) send(pid, signal);
	},
};

function isLivingOther({ pid, state }: ProcessInfo): boolean {
	return pid !== process.pid && state !== "Z";
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
	try {
		process.kill(pid, signal);
		return true;
	} catch (error) {
		// EPERM: somebody is there, but out of our reach. ESRCH: nobody.
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

async function gone(crowd: Crowd, withinMs: number): Promise<boolean> {
	const end = performance.now() + withinMs;
	while (crowd.exist()) {
		if (performance.now() >= end) return false;
		await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
	}
	return true;
}
