/**
 * Finds the zombies without an owner in a process that is not ours: a user's app, with everything that it has loaded.
 *
 * The kernel does not say whether a child was adopted or forked, and nothing announces every fork: other preloaded
 * modules fork, and native libraries do. But every owner collects its child soon. So a zombie that stays has no owner.
 *
 * Invariants:
 * - No zombie is taken at first sight, nor before the event loop has polled (reaper.ts looks after a poll): libuv
 *   collects its children in the poll after their death. So no object, channel or listener of the app is touched.
 * - A native library's thread that blocks in waitpid(2) (a pseudo-terminal's, a JVM's) wakes up within microseconds. A
 *   thread that polls needs up to its interval: `GRACE_MS` is for those.
 * - Zombies hold pids, and a container's pids are limited. More than `CROWD` zombies at once come from a storm of
 *   orphans, not from a library, so then the wait is short. A zombie with an owner hides none of the others.
 * - Without /proc only the first zombie is seen, and the next one only when the first has gone. If the first had no
 *   owner, the wait for the next one is short. Otherwise only one zombie a second would be collected.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { monotonicMs } from "../../base/time.ts";
import type { Libc } from "../ffi/libc.ts";
import type { Ownership } from "./reaper.ts";

/** How long an owner has to collect its child. */
const GRACE_MS = 1_000;
/** The same if there are more zombies than a library has children. */
const CROWDED_GRACE_MS = 100;
const CROWD = 256;
const TICK_MS = 50;
/**
 * A look stops after this many zombies. For each page of the list the kernel walks it from the beginning, and no
 * process can fork or end meanwhile (get_children_pid()).
 */
const ENOUGH = 8_192;
/** seq_file returns whole entries, and at most one page of memory. No kernel has larger pages. */
const PAGE_BYTES = 65_536;

export function unclaimedZombies(libc: Libc): Ownership {
	/** When the grace of each zombie ends. */
	let due = new Map<number, number>();
	/** The zombies whose grace has ended. */
	let unclaimed: number[] = [];
	/** Whether only the first zombie can be seen. */
	let blind = false;
	/** Whether that one stood behind a zombie without an owner. */
	let behind = false;
	let lookedAt = Number.NEGATIVE_INFINITY;

	function lookAround(now: number): void {
		const all = attempt(() => deadChildren(libc, due));
		blind = all === undefined;
		const dead = all ?? [libc.peekZombie()].filter((pid) => pid !== 0);
		const latest = now + (dead.length > CROWD || behind ? CROWDED_GRACE_MS : GRACE_MS);
		const known = due;
		due = new Map();
		for (const pid of dead) {
			const dueAt = Math.min(known.get(pid) ?? latest, latest);
			if (dueAt <= now) unclaimed.push(pid);
			else due.set(pid, dueAt);
		}
		behind = blind && unclaimed.length > 0;
		lookedAt = now;
	}

	return {
		next() {
			const now = monotonicMs();
			// No zombie was there since the last look, or we were held up: the kernel may have reused the pids.
			if (now - lookedAt > GRACE_MS) {
				due.clear();
				unclaimed = [];
				behind = false;
			}
			// Half a tick, as timers may be early or late. No wait if blind: the next zombie shows once the first is taken.
			if (unclaimed.length === 0 && (blind || now - lookedAt >= TICK_MS / 2)) lookAround(now);
			const pid = unclaimed.pop();
			if (pid !== undefined) return pid;
			return libc.peekZombie() === 0 ? undefined : "owned";
		},
		nothingOwned: () => false,
		askAgainMs: TICK_MS,
	};
}

let page: Buffer | undefined;

/**
 * The first zombies whose parent is the main thread, usually all. Throws if /proc does not list them.
 *
 * @param known Zombies of the last look. Those still listed are still dead: a pid is not reused so soon. In a storm
 * that saves thousands of system calls.
 */
function deadChildren(libc: Libc, known: ReadonlyMap<number, number>): number[] {
	const children = openSync(`/proc/self/task/${process.pid}/children`, "r");
	try {
		page ??= Buffer.allocUnsafeSlow(PAGE_BYTES);
		const dead: number[] = [];
		while (dead.length < ENOUGH) {
			const length = readSync(children, page);
			if (length === 0) break;
			for (const word of page.toString("latin1", 0, length).split(" ")) {
				const child = Number(word);
				if (child > 0 && (known.has(child) || libc.peekZombie(child) !== 0)) dead.push(child);
			}
		}
		return dead;
	} finally {
		closeSync(children);
	}
}
