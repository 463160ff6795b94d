/** Keeps the init's memory small for months, and makes the kernel end a job before the init if memory runs out. */
import { readFileSync, writeFileSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { foreignFunctions } from "../ffi/ffi.ts";
import { isOurProc } from "./processes.ts";

const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const LARGE_BYTES = 256 * 1024;
/** By then most services are up, and nobody waits for us. */
const SETTLED_MS = 2_000;
/** In thousandths of the memory limit, or of the machine's memory if there is no limit: proc_pid_oom_score_adj(5). */
const OOM_HANDICAP = 100;
const OOM_MAX = 1_000;

/**
 * Makes glibc's allocator take each large block from the kernel and give it back there: mallopt(3).
 *
 * By default it does so only until the first large block is freed. From then on it cuts blocks of that size, up to 32
 * MB, out of its arenas. If TypeScript jobs come and go (stripping the types takes megabytes), small blocks soon stand
 * between the large holes, and the arenas grow: by 3 MB a minute if every job crashes every second.
 *
 * Other C libraries have neither this function nor such arenas.
 */
export function returnLargeBlocks(env: NodeJS.ProcessEnv): void {
	// A user who has tuned the allocator knows why.
	if (env.GLIBC_TUNABLES ?? env.MALLOC_MMAP_THRESHOLD_) return;
	attempt(() => {
		const mallopt = foreignFunctions()?.bind("mallopt", "int", ["int", "int"]);
		mallopt?.(M_MMAP_THRESHOLD, LARGE_BYTES);
		mallopt?.(M_TRIM_THRESHOLD, LARGE_BYTES);
	});
}

/**
 * Gives back, once, the memory that only the start needed: 3 MB of 15. V8 keeps the room for new objects that its first
 * collections made, and glibc keeps what was freed in the middle of its arenas. It takes about 20 ms.
 */
export function tidyAfterStart(): void {
	setTimeout(() => {
		attempt(collectThoroughly);
		attempt(() => foreignFunctions()?.bind("malloc_trim", "int", ["ulong"])(0n));
	}, SETTLED_MS).unref();
}

/** V8 gives memory back only in a last-resort collection, and only a new context gets the function for it. */
function collectThoroughly(): void {
	const { setFlagsFromString } = process.getBuiltinModule("node:v8");
	const { runInNewContext } = process.getBuiltinModule("node:vm");
	setFlagsFromString("--expose-gc");
	try {
		runInNewContext("gc")({ type: "major", flavor: "last-resort" });
	} finally {
		// Otherwise each thread that starts later would have the function.
		setFlagsFromString("--no-expose-gc");
	}
}

/**
 * Makes a process look bigger to the kernel, by a tenth of the memory limit. When memory runs out, the kernel ends the
 * biggest process. Among many small processes that would be the init, and the container with it. It is no more than a
 * tenth, because an init that has grown out of all proportion should not survive at the cost of every job. This needs
 * no privilege, and the process may undo it. Best effort.
 */
export function preferForOom(pid: number): void {
	if (!isOurProc()) return;
	attempt(() => {
		const own = Number(readFileSync("/proc/self/oom_score_adj", "latin1"));
		writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(own + OOM_HANDICAP, OOM_MAX)));
	});
}
