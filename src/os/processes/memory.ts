/** Keeps the memory of a program that lives for months what it was on its first day. */
import { readFileSync, writeFileSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { foreignFunctions } from "../ffi/ffi.ts";
import { isOurProc } from "./processes.ts";

const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
/** Bytes. */
const LARGE = 256 * 1024;

/**
 * Has glibc's allocator get each large block from the kernel and give it back there: mallopt(3).
 *
 * That is its habit only until the first one is given back: then blocks of that size, up to 32 MB, are cut out of its arenas. Where
 * threads come and go whose job is in TypeScript (the module that strips the types has megabytes), small blocks soon stand
 * between the large holes, and the arenas grow: by 3 MB a minute where everything crashes every second.
 *
 * Other C libraries have no such function, and no such arenas.
 */
export function returnLargeBlocks(env: NodeJS.ProcessEnv): void {
	// Whoever has tuned the allocator knows what for.
	if (env.GLIBC_TUNABLES ?? env.MALLOC_MMAP_THRESHOLD_) return;
	attempt(() => {
		const mallopt = foreignFunctions()?.bind("mallopt", "int", ["int", "int"]);
		mallopt?.(M_MMAP_THRESHOLD, LARGE);
		mallopt?.(M_TRIM_THRESHOLD, LARGE);
	});
}

/** By then most services are up, and nobody waits for us. */
const SETTLED_MS = 2_000;

/**
 * Gives back once, a moment after the start, what only the start has needed: three megabytes of fifteen. V8 keeps the room for new
 * objects that its first collections have made, and glibc what was freed in the middle of its arenas. It takes some 20 ms.
 */
export function tidyAfterStart(): void {
	setTimeout(() => {
		attempt(collectThoroughly);
		attempt(() => foreignFunctions()?.bind("malloc_trim", "int", ["ulong"])(0n));
	}, SETTLED_MS).unref();
}

/** Only its last resort makes V8 give memory back, and only a new context has the function for it. */
function collectThoroughly(): void {
	const { setFlagsFromString } = process.getBuiltinModule("node:v8");
	const { runInNewContext } = process.getBuiltinModule("node:vm");
	setFlagsFromString("--expose-gc");
	try {
		runInNewContext("gc")({ type: "major", flavor: "last-resort" });
	} finally {
		// Else each thread that starts from here on would have it.
		setFlagsFromString("--no-expose-gc");
	}
}

// ==== from oom.ts

/** Whom the kernel ends first when memory runs out: proc_pid_oom_score_adj(5). */

/** A tenth of the memory limit, or of the machine's memory where there is none. */
const HANDICAP = 100;
const MAX = 1_000;

/**
 * Makes a process look a tenth of the limit bigger than it is. The kernel ends the biggest, and among many small processes
 * that would be the init, and with it the container. Not more than that: an init that has itself grown out of all proportion is
 * not to be saved at the cost of every job. It takes no right, and the process may undo it. Best effort.
 */
export function preferForOom(pid: number): void {
	if (!isOurProc()) return;
	attempt(() => {
		const own = Number(readFileSync("/proc/self/oom_score_adj", "latin1"));
		const value = String(Math.min(own + HANDICAP, MAX));
		writeFileSync(`/proc/${pid}/oom_score_adj`, value);
	});
}
