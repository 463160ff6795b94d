/**
 * Collects the orphans that the kernel gives to this process.
 *
 * This process has two kinds of children, and each kind has its owner:
 * - What Node.js started: libuv waits for it by its pid, and the code that started it awaits its exit.
 * - Everything else is ours: orphans that we adopted as PID 1 or as a subreaper, and the foreground program that
 *   os/spawn/ has started. Below, all of these count as orphans.
 *
 * Invariants:
 * - We peek at a zombie (WNOWAIT), and collect it by its pid if it has no owner. Only while no child of the main thread
 *   has an owner do we collect whatever zombie comes, without peeking.
 * - Children of worker threads are never seen here (__WNOTHREAD). When such a thread ends, the kernel gives its
 *   children to the main thread. By then no libuv loop waits for them, and they are orphans like any other.
 * - The `Ownership` decides who owns a zombie. In our own init Node.js announces each child (`announcedChildren`
 *   below). In a user's app only time tells (unclaimed-zombies.ts).
 * - `spawnSync` collects its child before JavaScript runs again, so that child is never seen here.
 * - A zombie can become ours without a signal: when a thread ends, the kernel sends none for its dead children. So code
 *   that lets threads spawn has to call the function that startReaper() returns from time to time.
 * - Several SIGCHLD may arrive as one. So we collect until no zombie is left, or the next one has an owner. We do so in
 *   batches, so that the event loop stays responsive.
 * - In a storm of orphans, a wake-up for each would cost more than everything else. So, as network drivers do, we stop
 *   listening after the first one and poll until a poll finds nothing: at once after a full batch, after `askAgainMs`
 *   while an owner may still collect its zombie, else after POLL_MS. Meanwhile, unless somebody else listens to SIGCHLD
 *   (libuv does while it has children), the signal has its default action, which keeps the zombies.
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
	/**
	 * The pid of a zombie without an owner; `undefined` if there is no zombie; "owned" if none can be collected now, as
	 * each one that we can see has an owner, or may have one.
	 */
	next(): number | "owned" | undefined;
	/** Whether no child has an owner. */
	nothingOwned(): boolean;
	/** Milliseconds until next() is asked again after "owned". @default never: the `Ownership` calls `scan()` */
	readonly askAgainMs?: number;
}

/**
 * Starts to reap, for the life of the process. Call it once; without `findOwnership`, before Node.js spawns anything.
 *
 * @param findOwnership Makes the `Ownership`, which calls `scan()` when an answer may have changed.
 * @returns `scan()`: collects zombies that no signal has announced.
 */
export function startReaper(
	libc: Libc,
	onReaped: (orphan: Orphan) => void,
	findOwnership: (libc: Libc, scan: () => void) => Ownership = announcedChildren,
): () => void {
	const ownership = findOwnership(libc, scan);
	let polling = false;

	function scan(): void {
		if (!polling) poll();
	}

	function poll(): void {
		const nextMs = collect();
		const goOn = nextMs !== undefined;
		if (goOn !== polling) {
			polling = goOn;
			if (goOn) process.off("SIGCHLD", scan);
			else listen();
		}
		if (nextMs === 0) setImmediate(poll);
		// setImmediate() runs after the poll phase, in which libuv collects its children. A late timer alone may run first.
		else if (goOn) setTimeout(() => setImmediate(poll), nextMs).unref();
	}

	function listen(): void {
		process.on("SIGCHLD", scan);
		// Without a listener we have heard no SIGCHLD: collect what has died meanwhile.
		scan();
	}

	/** @returns Milliseconds until the next poll; `undefined` to wait for a signal or a call. */
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
			if (orphan) return orphan;
			// Somebody else has collected it first, and there may be more zombies behind it.
		}
	}

	listen();
	return scan;
}

/**
 * The pid of a ChildProcess of the main thread belongs to libuv until that object's `exit`. While such a child is the
 * first zombie that the kernel shows, it hides all others. So we scan again at its `exit`.
 */
function announcedChildren(libc: Libc, scan: () => void): Ownership {
	const ownedByLibuv = new Set<number>();
	// Loaded here: the drop-in init imports this file before it starts its program, which this module would delay.
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
				setImmediate(scan);
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
