/**
 * The file descriptors that we inherited from our parent.
 *
 * Node.js cannot be asked: at its start it marks the inherited descriptors close-on-exec, and opens its own beside
 * them. Its own are known by their kind: the event loop's (eventpoll, eventfd, io_uring), and pipes to itself. The
 * first stream opens one more, /dev/null, which looks inherited. So nothing is printed before the program starts.
 */
import { fstatSync, readdirSync, readlinkSync } from "node:fs";
import { attempt } from "../../base/errors.ts";

const LOOP: ReadonlySet<string> = new Set(["anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[io_uring]"]);
/** The kernel dates its objects by a clock that ticks every 1 to 10 ms. */
const CLOCK_TICK_MS = 10;

/** 0–2 and the inherited ones above. If /proc is hidden, only 0–2 and those that LISTEN_FDS announces. */
export function inheritedDescriptors(): number[] {
	const targets = attempt(readTargets);
	if (!targets) return [0, 1, 2, ...announced()];
	const all = [...targets.values()];
	const isOwn = (fd: number, target: string) => {
		if (LOOP.has(target)) return true;
		if (!target.startsWith("pipe:")) return false;
		// Node.js has both ends of its pipes. A parent may pass on both ends (make's jobserver), but of an older pipe.
		return all.filter((other) => other === target).length === 2 && isYoung(fd);
	};
	return [0, 1, 2, ...[...targets].filter(([fd, target]) => !isOwn(fd, target)).map(([fd]) => fd)];
}

/** One end of each pipe of which we hold both ends. */
export function pipesToSelf(): number[] {
	const pipes = [...(attempt(readTargets) ?? [])].filter(([, target]) => target.startsWith("pipe:"));
	const targets = pipes.map(([, target]) => target);
	return pipes.filter(([, target], index) => targets.indexOf(target) < index).map(([fd]) => fd);
}

/** What each descriptor above 2 refers to: a path, or `pipe:[4711]`. */
function readTargets(): Map<number, string> {
	const targets = new Map<number, string>();
	for (const fd of readdirSync("/proc/self/fd").map(Number)) {
		if (fd <= 2) continue;
		// The descriptor that listed the folder is gone by now.
		const target = attempt(() => readlinkSync(`/proc/self/fd/${fd}`));
		if (target !== undefined) targets.set(fd, target);
	}
	return targets;
}

/** Whether all its dates lie after the start of this process. */
function isYoung(fd: number): boolean {
	const { atimeMs, mtimeMs, ctimeMs } = fstatSync(fd);
	// Not performance.timeOrigin: that would load a dozen modules before the program starts.
	const started = Date.now() - process.uptime() * 1000;
	return Math.min(atimeMs, mtimeMs, ctimeMs) > started - CLOCK_TICK_MS;
}

/** sd_listen_fds(3): LISTEN_FDS is a number of descriptors, which begin at 3. */
function announced(): number[] {
	const count = Number(process.env.LISTEN_FDS);
	if (!Number.isInteger(count) || count <= 0) return [];
	return Array.from({ length: Math.min(count, 256) }, (_, index) => 3 + index);
}
