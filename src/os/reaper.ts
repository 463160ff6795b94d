/**
 * Collects the orphans that the kernel gives to this process.
 *
 * Two families of child end up in one process, and each has its owner:
 * - what Node.js started: libuv waits for it by pid, and whoever started it awaits its exit;
 * - everything else: orphans adopted as PID 1 or subreaper. Ours.
 *
 * Invariants:
 * - A zombie is looked at (WNOWAIT) before it is collected, and collected by its pid: never `waitpid(-1)`.
 * - Children of worker threads are never seen here (__WNOTHREAD). When such a thread ends, the kernel hands its children
 *   to the main thread, and by then no libuv loop waits for them any more: they are orphans like any other.
 * - Whose a zombie is, is for the `Ownership` to say: in an init of our own Node.js announces each child
 *   (`announcedChildren` below); in somebody else's app only time tells (patience.ts).
 * - `spawnSync` collects its child before JavaScript runs again, so it can never be met here.
 * - A zombie can become ours without any signal: when a thread ends, the kernel hands its dead children over in silence. So
 *   whoever lets threads spawn has to call the look from time to time.
 * - SIGCHLD coalesces: each look goes on until nothing is left, in batches, so that the event loop stays responsive.
 */
import type { ChildProcess } from "node:child_process";
import type { Libc, WaitStatus } from "./libc.ts";

/** Zombies collected in one turn of the event loop: about a millisecond. */
const BATCH = 500;

export interface Orphan extends WaitStatus {
	readonly pid: number;
}

/** Says of a zombie whether it is nobody's. `look` is to be called when the answer may have changed. */
export type Ownership = (look: () => void) => (pid: number) => boolean;

/**
 * Starts reaping, for the life of the process. Call it once, before anything is spawned.
 *
 * @returns A look for zombies that no signal has told of.
 */
export function startReaper(
	libc: Libc,
	onReaped: (orphan: Orphan) => void,
	ownership: Ownership = announcedChildren,
): () => void {
	const isNobodys = ownership(look);
	let scheduled = false;

	function look(): void {
		for (let reaped = 0; reaped < BATCH; reaped++) {
			const pid = libc.peekZombie();
			if (pid === 0 || !isNobodys(pid)) return;
			const status = libc.reap(pid);
			if (status) onReaped({ pid, ...status });
		}
		if (scheduled) return;
		scheduled = true;
		setImmediate(() => {
			scheduled = false;
			look();
		});
	}

	process.on("SIGCHLD", look);
	look();
	return look;
}

/**
 * A pid that a ChildProcess of the main thread carries is libuv's until that object's `exit`. While it is the zombie that
 * the kernel shows first it hides all others, so its `exit` is the moment to look again.
 */
function announcedChildren(look: () => void): (pid: number) => boolean {
	const ownedByLibuv = new Set<number>();
	// Not imported: a program in the foreground is started before this is loaded.
	const { subscribe } = process.getBuiltinModule("node:diagnostics_channel");
	// Announces each ChildProcess when it is made. Its pid is set a few lines later in the same turn, hence the microtask;
	// no exit can be seen in between. It stays undefined when the spawn failed.
	subscribe("child_process", (message) => {
		const { process: child } = message as { process: ChildProcess };
		queueMicrotask(() => {
			const { pid } = child;
			if (pid === undefined) return;
			ownedByLibuv.add(pid);
			child.once("exit", () => {
				ownedByLibuv.delete(pid);
				look();
			});
		});
	});
	return (pid) => !ownedByLibuv.has(pid);
}
