/**
 * Which file descriptors came to us from whoever started us.
 *
 * Node.js cannot be asked: at its start it marks what it finds close-on-exec and opens its own beside it. Those are known by
 * their kind: the event loop's (eventpoll, eventfd, io_uring), and pipes to itself. Another one comes with the first stream:
 * /dev/null. Nobody can tell it from an inherited one, so nothing is printed before the program has been started.
 */
import { fstatSync, readdirSync, readlinkSync } from "node:fs";
import { attempt } from "../../base/errors.ts";

const LOOP: ReadonlySet<string> = new Set(["anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[io_uring]"]);
/** The kernel dates what it makes by a clock that ticks every 1 to 10 ms. */
const CLOCK_TICK_MS = 10;

/** 0–2 and those above; only 0–2, and what LISTEN_FDS announces, where /proc is hidden. */
export function inheritedDescriptors(): number[] {
	const targets = attempt(readTargets);
	if (!targets) return [0, 1, 2, ...announced()];
	const all = [...targets.values()];
	const inherited = [0, 1, 2];
	for (const [fd, target] of targets) {
		const ends = target.startsWith("pipe:") ? all.filter((other) => other === target).length : 0;
		if (!isOwn(fd, target, ends)) inherited.push(fd);
	}
	return inherited;
}

/** Of each pipe whose two ends we hold, one of them. */
export function pipesToSelf(): number[] {
	const targets = attempt(readTargets) ?? new Map<number, string>();
	const seen = new Set<string>();
	const pipes: number[] = [];
	for (const [fd, target] of targets) {
		if (!target.startsWith("pipe:")) continue;
		if (seen.has(target)) pipes.push(fd);
		seen.add(target);
	}
	return pipes;
}

/** What each descriptor above 2 is: a path, or `pipe:[4711]`. */
function readTargets(): Map<number, string> {
	const targets = new Map<number, string>();
	for (const entry of readdirSync("/proc/self/fd")) {
		const fd = Number(entry);
		if (fd <= 2) continue;
		// The one that listed them is gone by now.
		const target = attempt(() => readlinkSync(`/proc/self/fd/${entry}`));
		if (target !== undefined) targets.set(fd, target);
	}
	return targets;
}

function isOwn(fd: number, target: string, ends: number): boolean {
	if (LOOP.has(target)) return true;
	// Node.js has both ends of its pipes. So has who gets both from outside (make's jobserver), but such a pipe is older than we are.
	return ends === 2 && isYoung(fd);
}

/** Whether every date of it lies after the start of this process. */
function isYoung(fd: number): boolean {
	const { atimeMs, mtimeMs, ctimeMs } = fstatSync(fd);
	// Not performance.timeOrigin: that would load a dozen modules on the way to the program.
	const started = Date.now() - process.uptime() * 1000;
	return Math.min(atimeMs, mtimeMs, ctimeMs) > started - CLOCK_TICK_MS;
}

/** sd_listen_fds(3): so many, from 3 on. */
function announced(): number[] {
	const count = Number(process.env.LISTEN_FDS);
	return Number.isInteger(count) && count > 0
		? Array.from({ length: Math.min(count, 256) }, (_, index) => 3 + index)
		: [];
}
