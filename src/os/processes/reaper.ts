/**
 * Collects the orphans that the kernel gives to this process.
 *
 * Two families of child end up in one process, and each has its owner:
 * - what Node.js started: libuv waits for it by pid, and whoever started it awaits its exit;
 * - everything else: orphans adopted as PID 1 or subreaper. Ours.
 *
 * Invariants:
 * - A zombie is looked at (WNOWAIT) before it is collected, and collected by its pid. Only while libuv waits for no child of
 *   the main thread at all is the first one collected as it comes.
 * - Children of worker threads are never seen here (__WNOTHREAD). When such a thread ends, the kernel hands its children
 *   to the main thread, and by then no libuv loop waits for them any more: they are orphans like any other.
 * - Whose a zombie is, is for the `Ownership` to say: in an init of our own Node.js announces each child
 *   (`announcedChildren` below); in somebody else's app only time tells (patience.ts).
 * - `spawnSync` collects its child before JavaScript runs again, so it can never be met here.
 * - A zombie can become ours without any signal: when a thread ends, the kernel hands its dead children over in silence. So
 *   whoever lets threads spawn has to call the look from time to time.
 * - SIGCHLD coalesces: each look goes on until nothing is left, in batches, so that the event loop stays responsive.
 * - In a storm of orphans a wake-up for each would take more than all the rest. So, as network drivers do it, we stop listening
 *   after the first and look every other millisecond, until a look finds none. Its default action leaves zombies alone.
 */
import type { ChildProcess } from "node:child_process";
import type { Libc, WaitStatus } from "../ffi/libc.ts";

/** Zombies collected in one turn of the event loop: about a millisecond. */
const BATCH = 500;
const POLL_MS = 2;

export interface Orphan extends WaitStatus {
	readonly pid: number;
}

/** Knows whose a zombie is. */
export interface Ownership {
	/**
	 * The pid of a zombie that neither libuv waits for nor whoever else there may be; "somebody's" if there are only such as may
	 * have an owner, `undefined` if there is none.
	 */
	next(): number | "somebody's" | undefined;
	/** Whether nobody waits for any. */
	areAllNobodys(): boolean;
	/** Milliseconds after which it may know more of those that are somebody's. @default it calls the look when it does */
	readonly askAgainMs?: number;
}

/**
 * Starts reaping, for the life of the process. Call it once, before anything is spawned.
 *
 * @param findOwnership Is given the look, to be called when an answer may have changed.
 * @returns A look for zombies that no signal has told of.
 */
export function startReaper(
	libc: Libc,
	onReaped: (orphan: Orphan) => void,
	findOwnership: (libc: Libc, look: () => void) => Ownership = announcedChildren,
): () => void {
	const ownership = findOwnership(libc, look);
	let polling = false;

	function look(): void {
		if (!polling) poll();
	}

	function poll(): void {
		const nextMs = collect();
		const goOn = nextMs !== undefined;
		if (goOn !== polling) {
			polling = goOn;
			if (goOn) process.off("SIGCHLD", look);
			else listen();
		}
		if (nextMs === 0) setImmediate(poll);
		// After a poll: timers that are late together run without one in between, and libuv collects its children there.
		else if (goOn) setTimeout(() => setImmediate(poll), nextMs).unref();
	}

	function listen(): void {
		process.on("SIGCHLD", look);
		// Who died before told nobody.
		look();
	}

	/** @returns Milliseconds until the next look; `undefined`: when there is reason for one. */
	function collect(): number | undefined {
		for (let collected = 0; collected < BATCH; collected++) {
			const zombie = ownership.areAllNobodys() ? libc.reapAny() : reapNobodys();
			if (zombie === "somebody's" && ownership.askAgainMs !== undefined) return ownership.askAgainMs;
			if (!zombie || zombie === "somebody's") return collected === 0 ? undefined : POLL_MS;
			onReaped(zombie);
		}
		return 0;
	}

	function reapNobodys(): Orphan | "somebody's" | undefined {
		for (;;) {
			const pid = ownership.next();
			if (pid === undefined || pid === "somebody's") return pid;
			const orphan = libc.reap(pid);
			// Somebody else was faster: there may be more behind it.
			if (orphan) return orphan;
		}
	}

	listen();
	return look;
}

/**
 * A pid that a ChildProcess of the main thread carries is libuv's until that object's `exit`. While it is the zombie that
 * the kernel shows first it hides all others, so its `exit` is the moment to look again.
 */
function announcedChildren(libc: Libc, look: () => void): Ownership {
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
				// Not at once: another listener may just have spawned a child, whose pid is not known yet.
				setImmediate(look);
			});
		});
	});
	return {
		next() {
			const pid = libc.peekZombie();
			if (pid === 0) return undefined;
			return ownedByLibuv.has(pid) ? "somebody's" : pid;
		},
		areAllNobodys: () => ownedByLibuv.size === 0,
	};
}
