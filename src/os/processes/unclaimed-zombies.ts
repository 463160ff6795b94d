/**
 * Finds the zombies that nobody else will collect, inside a user's app.
 *
 * The kernel does not say whether a child was adopted or forked, and nothing announces every fork: other preloaded
 * modules fork, and native libraries do. But every owner collects its child soon. So a zombie that stays has no owner.
 *
 * Invariants:
 * - No zombie is taken at first sight. reaper.ts asks again only after a poll phase of the event loop, in which libuv
 *   collects its children. So we need to observe nothing of the app: no ChildProcess, no channel, no listener.
 * - A native library's thread that blocks in waitpid(2) (a pseudo-terminal's, a JVM's) wakes up within microseconds. A
 *   thread that polls needs up to its interval: `GRACE_MS` is for those.
 * - Zombies hold pids, and a container's pids are limited. More than `CROWD` zombies at once come from a storm of
 *   orphans, not from a library, so then the grace period is short. A zombie with an owner hides none of the others,
 *   because we list all dead children.
 * - Without /proc we see only the first zombie, and the next one when the first has gone. Behind a zombie without an
 *   owner the grace period is short, or only one zombie a second would be collected.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { monotonicMs } from "../../base/time.ts";
import type { Libc } from "../ffi/libc.ts";
import type { Ownership } from "./reaper.ts";

/** The grace period: the time an owner gets to collect its child. */
const GRACE_MS = 1_000;
/** The same while more than `CROWD` zombies are there: no library has so many children. */
const CROWDED_GRACE_MS = 100;
const CROWD = 256;
const TICK_MS = 50;
/**
 * We stop listing after this many zombies. For each page of the list the kernel walks the list from its beginning, and
 * meanwhile no process can fork or exit: get_children_pid() holds the lock of the process list.
 */
const ENOUGH = 8_192;
/** One read of /proc returns whole entries (seq_file), and at most one page of memory. No kernel has larger pages. */
const PAGE_BYTES = 65_536;

export function unclaimedZombies(libc: Libc): Ownership {
	/** When the grace period of each zombie ends, in monotonic milliseconds by pid. */
	let due = new Map<number, number>();
	/** The pids whose grace period has ended. */
	let unclaimed: number[] = [];
	/** Without /proc: only the first zombie can be seen. */
	let blind = false;
	/** While blind: the zombie seen last had no owner, and hid the one that is seen next. */
	let behind = false;
	let scannedAt = Number.NEGATIVE_INFINITY;

	function scan(now: number): void {
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
		scannedAt = now;
	}

	return {
		next() {
			const now = monotonicMs();
			if (now - scannedAt > GRACE_MS) {
				// No zombie was there for so long, or we were held up: the kernel may have reused the pids.
				due.clear();
				unclaimed = [];
				behind = false;
			}
			// Once a tick; half, as timers may be early or late. While blind at once: the next zombie can be seen now.
			if (unclaimed.length === 0 && (blind || now - scannedAt >= TICK_MS / 2)) scan(now);
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
 * The pids of the first zombies whose parent is the main thread, usually all. Throws if /proc does not list them.
 *
 * @param known Zombies of the last listing, by pid. If still listed, they are still dead: a pid is not reused so soon.
 * In a storm that saves thousands of system calls.
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
