/**
 * Which file descriptors came to us from whoever started us.
 *
 * Node.js cannot be asked: at its start it marks what it finds close-on-exec and opens its own beside it. Those are known by
 * their kind: the event loop's (eventpoll, eventfd, io_uring), /dev/null, and pipes to itself.
 */
import { fstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { attempt } from "../errors.ts";

const LOOP = /^anon_inode:\[(eventpoll|eventfd|io_uring)\]$/;
/** The kernel dates what it makes by a clock that ticks every 1 to 10 ms. */
const CLOCK_TICK_MS = 10;
const O_ACCMODE = 0o3;

interface Descriptor {
	readonly fd: number;
	/** What it is: a path, or `pipe:[4711]`. */
	readonly target: string;
}

/** 0–2 and those above; only 0–2, and what LISTEN_FDS announces, where /proc is hidden. */
export function inheritedDescriptors(): number[] {
	const all = attempt(listDescriptors);
	if (!all) return [0, 1, 2, ...announced()];
	const above = all
		.filter((descriptor) => !isOwn(descriptor, all))
		.map(({ fd }) => fd);
	return [0, 1, 2, ...above];
}

function listDescriptors(): Descriptor[] {
	return readdirSync("/proc/self/fd")
		.map(Number)
		.filter((fd) => fd > 2)
		.map((fd) => ({ fd, target: readTarget(fd) }))
		.filter((descriptor): descriptor is Descriptor => {
			// Readdir's own descriptor is gone by now.
			return descriptor.target !== undefined;
		});
}

function readTarget(fd: number): string | undefined {
	return attempt(() => readlinkSync(`/proc/self/fd/${fd}`));
}

function isOwn(descriptor: Descriptor, all: readonly Descriptor[]): boolean {
	const { fd, target } = descriptor;
	if (LOOP.test(target)) return true;
	if (target === "/dev/null") return accessMode(fd) === 0;
	if (!target.startsWith("pipe:")) return false;
	// Node.js has both ends of its pipes. So may somebody who hands us both (make's jobserver), but that pipe is older than we are.
	const ends = all.filter((other) => other.target === target);
	const modes = new Set(ends.map((end) => accessMode(end.fd)));
	return modes.size > 1 && isYoung(fd);
}

function accessMode(fd: number): number {
	const info = readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
	return (
		Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? "0", 8) & O_ACCMODE
	);
}

/** Whether every date of it lies after the start of this process. */
function isYoung(fd: number): boolean {
	const { atimeMs, mtimeMs, ctimeMs } = fstatSync(fd);
	const oldest = Math.min(atimeMs, mtimeMs, ctimeMs);
	return oldest > performance.timeOrigin - CLOCK_TICK_MS;
}

/** sd_listen_fds(3): so many, from 3 on. */
function announced(): number[] {
	const count = Number(process.env.LISTEN_FDS);
	return Number.isInteger(count) && count > 0
		? Array.from({ length: Math.min(count, 256) }, (_, index) => 3 + index)
		: [];
}
