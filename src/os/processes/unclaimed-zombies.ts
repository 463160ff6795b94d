/**
 * Finds out whose a zombie is in a process that is not ours: an app with whatever it has loaded.
 *
 * The kernel does not say whether a child was adopted or forked, and nothing tells of every fork: not of those of other
 * preloaded modules, not of a native library's. But every owner collects soon, and only nobody's zombie stays. So one
 * that stays is nobody's.
 *
 * Invariants:
 * - No zombie is taken at its first sight, nor before the event loop has polled in between (reaper.ts looks after a poll):
 *   libuv collects what it owns in the poll that follows the death. Hence no object, channel or listener of the app is touched.
 * - A native library's thread that blocks in waitpid(2) (a pseudo-terminal's, a JVM's) is awake within microseconds, one that
 *   polls within its interval: `GRACE_MS` is for them.
 * - Zombies hold pids, and pids are limited in a container. More of them at once than `CROWD` come from a storm of orphans
 *   and not from a library, so then the wait is short. One that has an owner hides none of the others.
 * - Without /proc only the first zombie is seen, and the others behind it only when it has gone. That wait is short as soon as the
 *   one before was nobody's: else one a second would be all that is ever collected.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { monotonicMs } from "../../base/time.ts";
import type { Libc } from "../ffi/libc.ts";
import type { Ownership } from "./reaper.ts";

/** Milliseconds for an owner to collect its child. */
const GRACE_MS = 1_000;
/** The same when there are more zombies than a library has children. */
const CROWDED_GRACE_MS = 100;
const CROWD = 256;
const TICK_MS = 50;
/**
 * Zombies after which a look does not go on. For each page of the list the kernel starts at its beginning, and no process is
 * forked or ends meanwhile (get_children_pid()).
 */
const ENOUGH = 8_192;
/** seq_file gives whole entries, and at most a page of them: no kernel has larger ones. */
const PAGE_BYTES = 65_536;

export function patience(libc: Libc): Ownership {
	/** When each of the zombies will have waited for long enough. */
	let due = new Map<number, number>();
	/** Those that have. */
	let nobodys: number[] = [];
	/** Whether only the first zombie is seen. */
	let blind = false;
	/** Whether that one stood behind another that was nobody's. */
	let behind = false;
	let lookedAt = Number.NEGATIVE_INFINITY;

	function lookAround(now: number): void {
		const all = attempt(() => deadChildren(libc, due));
		blind = all === undefined;
		const dead = all ?? firstZombie(libc);
		const crowded = dead.length > CROWD || behind;
		const latest = now + (crowded ? CROWDED_GRACE_MS : GRACE_MS);
		const known = due;
		due = new Map();
		for (const pid of dead) {
			const dueAt = Math.min(known.get(pid) ?? latest, latest);
			if (dueAt <= now) nobodys.push(pid);
			else due.set(pid, dueAt);
		}
		behind = blind && nobodys.length > 0;
		lookedAt = now;
	}

	return {
		next() {
			const now = monotonicMs();
			// No zombie has waited in between, or we were held up: the pids may be others' by now.
			if (now - lookedAt > GRACE_MS) {
				due.clear();
				nobodys = [];
				behind = false;
			}
			// Half: timers are a little early or late. A blind look is at one zombie only, the one behind that was just taken.
			if (nobodys.length === 0 && (blind || now - lookedAt >= TICK_MS / 2)) lookAround(now);
			const pid = nobodys.pop();
			if (pid !== undefined) return pid;
			return libc.peekZombie() === 0 ? undefined : "somebody's";
		},
		areAllNobodys: () => false,
		askAgainMs: TICK_MS,
	};
}

/**
 * The zombies whose parent is the main thread, of very many the first ones. Throws where /proc does not tell.
 *
 * @param known Zombies of the last look: who is still there is still dead, as in between no pid comes round again. In a storm
 * there are thousands.
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

let page: Buffer | undefined;

function firstZombie(libc: Libc): number[] {
	const first = libc.peekZombie();
	return first === 0 ? [] : [first];
}
