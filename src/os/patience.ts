/**
 * Finds out whose a zombie is in a process that is not ours: an app with whatever it has loaded.
 *
 * The kernel does not say whether a child was adopted or forked, and nothing tells of every fork: not of those of other
 * preloaded modules, not of a native library's. But every owner collects soon, and only nobody's zombie stays. So one
 * that stays is nobody's.
 *
 * Invariants:
 * - No zombie is taken at its first sight, nor before the event loop has polled in between: libuv collects what it owns in
 *   the poll that follows the death. Hence no object, channel or listener of the app is touched.
 * - A native library's thread that blocks in waitpid(2) (a pseudo-terminal's, a JVM's) is awake within microseconds, one that
 *   polls within its interval: `GRACE_MS` is for them.
 * - Zombies hold pids, and pids are limited in a container. More of them at once than `CROWD` come from a storm of orphans
 *   and not from a library, so then the wait is short.
 * - Without /proc only the first zombie is seen, and the others behind it only when it has gone. That wait is short as soon as the
 *   one before was nobody's: else one a second would be all that is ever collected.
 */
import { readFileSync } from "node:fs";
import { monotonicMs } from "../clock.ts";
import { attempt } from "../errors.ts";
import type { Libc } from "./libc.ts";
import type { Ownership } from "./reaper.ts";

/** Milliseconds for an owner to collect its child. */
const GRACE_MS = 1_000;
/** The same when there are more zombies than a library has children. */
const CROWDED_GRACE_MS = 100;
const CROWD = 256;
const TICK_MS = 50;

export function patience(libc: Libc): () => Ownership {
	return () => {
		/** When each of the zombies was first seen. */
		let seen = new Map<number, number>();
		let graceMs = GRACE_MS;
		/** Whether only the first zombie is seen. */
		let blind = false;
		/** Whether that one stood behind another that was nobody's. */
		let behind = false;
		let lookedAt = Number.NEGATIVE_INFINITY;

		function lookAround(now: number): void {
			const all = deadChildren(libc, seen);
			blind = all === undefined;
			const dead = all ?? firstZombie(libc);
			seen = new Map(dead.map((pid) => [pid, seen.get(pid) ?? now]));
			const crowded = seen.size > CROWD || behind;
			graceMs = crowded ? CROWDED_GRACE_MS : GRACE_MS;
			lookedAt = now;
		}

		return {
			isNobodys(pid) {
				const now = monotonicMs();
				// No zombie has waited in between, or we were held up: the pids may be others' by now.
				if (now - lookedAt > GRACE_MS) {
					seen.clear();
					behind = false;
				}
				const since = seen.get(pid);
				if (since !== undefined && now - since >= graceMs) {
					// The pid may come again.
					seen.delete(pid);
					behind = blind;
					return true;
				}
				// Half: timers are a little early or late.
				if (now - lookedAt >= TICK_MS / 2) lookAround(now);
				return false;
			},
			areAllNobodys: () => false,
			askAgainMs: TICK_MS,
		};
	};
}

/**
 * Every zombie whose parent is the main thread. `undefined` where /proc does not tell.
 *
 * @param known Zombies of the last look: who is still there is still dead, as in between no pid comes round again. In a storm
 * there are thousands.
 */
function deadChildren(
	libc: Libc,
	known: ReadonlyMap<number, number>,
): number[] | undefined {
	const { pid } = process;
	const path = `/proc/self/task/${pid}/children`;
	const children = attempt(() => readFileSync(path, "latin1"));
	return children
		?.split(" ")
		.map(Number)
		.filter(
			(child) =>
				child > 0 && (known.has(child) || libc.peekZombie(child) !== 0),
		);
}

function firstZombie(libc: Libc): number[] {
	const first = libc.peekZombie();
	return first === 0 ? [] : [first];
}
