/**
 * Collects the orphans that the kernel gives to this process.
 *
 * This process has two kinds of children, and each kind has its owner:
 * - What Node.js started: libuv waits for it by its pid, and the code that started it awaits its exit.
 * - Everything else: orphans that we adopted as PID 1 or as a subreaper. They are ours.
 *
 * Invariants:
 * - A zombie is first looked at (WNOWAIT), then collected by its pid. Only if no child of the main thread has an owner
 *   is any zombie collected as it comes.
 * - Children of worker threads are never seen here (__WNOTHREAD). When such a thread ends, the kernel gives its
 *   children to the main thread. By then no libuv loop waits for them, and they are orphans like any other.
 * - The `Ownership` decides who owns a zombie. In our own init Node.js announces each child (`announcedChildren`
 *   below). In a user's app only time tells (unclaimed-zombies.ts).
 * - `spawnSync` collects its child before JavaScript runs again, so that child is never seen here.
 * - A zombie can become ours without a signal: when a thread ends, the kernel sends none for its dead children. So code
 *   that lets threads spawn has to call the look from time to time.
 * - SIGCHLD coalesces: a look goes on until nothing is left, in batches, so that the event loop stays responsive.
 * - In a storm of orphans, a wake-up for each would cost more than everything else. So, as network drivers do, we stop
 *   listening after the first one and poll every other millisecond, until a look finds none. Meanwhile SIGCHLD has its
 *   default action, which keeps the zombies.
 */
import type { ChildProcess } from "node:child_process";
import type { Libc, WaitStatus } from "../ffi/libc.ts";

/** Zombies collected in one turn of the event loop: about a millisecond. */
const BATCH = 500;
const POLL_MS = 2;

export interface Orphan extends WaitStatus {
	readonly pid: number;
}

/** Knows who owns a zombie. */
export interface Ownership {
	/** The pid of a zombie without an owner; "owned" if each zombie may have one; `undefined` if there is no zombie. */
	next(): number | "owned" | undefined;
	/** Whether no child has an owner. */
	nothingOwned(): boolean;
	/** Milliseconds after which to ask again about an "owned" zombie. Without it, the ownership calls the look itself. */
	readonly askAgainMs?: number;
}

/**
 * Starts to reap, for the life of the process. Call it once, before anything is spawned.
 *
 * @param findOwnership Receives the look, to call it when an answer may have changed.
 * @returns The look: it collects zombies that no signal has announced.
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
		// After the event loop has polled, and libuv has collected its children: late timers run without a poll in between.
		else if (goOn) setTimeout(() => setImmediate(poll), nextMs).unref();
	}

	function listen(): void {
		process.on("SIGCHLD", look);
		// A child that died before this moment sent no signal to us.
		look();
	}

	/** @returns Milliseconds until the next look; `undefined` to wait for a signal or a call. */
	function collect(): number | undefined {
		for (let collected = 0; collected < BATCH; collected++) {
			const zombie = ownership.nothingOwned() ? libc.reapAny() : reapNext();
			if (zombie === "owned" && ownership.askAgainMs !== undefined) return ownership.askAgainMs;
			if (!zombie || zombie === "owned") return collected === 0 ? undefined : POLL_MS;
			onReaped(zombie);
		}
		return 0;
	}

	function reapNext(): Orphan | "owned" | undefined {
		for (;;) {
			const pid = ownership.next();
			if (typeof pid !== "number") return pid;
			const orphan = libc.reap(pid);
			// Otherwise somebody else collected it first, and there may be more zombies behind it.
			if (orphan) return orphan;
		}
	}

	listen();
	return look;
}

/**
 * The pid of a ChildProcess of the main thread belongs to libuv until that object's `exit`. While such a child is the
 * first zombie that the kernel shows, it hides all others. So its `exit` is the moment to look again.
 */
function announcedChildren(libc: Libc, look: () => void): Ownership {
	const ownedByLibuv = new Set<number>();
	// Not imported: a foreground program is started before this module is loaded.
	const { subscribe } = process.getBuiltinModule("node:diagnostics_channel");
	// Announces each new ChildProcess. Its pid is set a few lines later in the same turn, hence the microtask. No exit
	// can be seen in between. If the spawn failed, the pid stays undefined.
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
			return ownedByLibuv.has(pid) ? "owned" : pid;
		},
		nothingOwned: () => ownedByLibuv.size === 0,
	};
}
