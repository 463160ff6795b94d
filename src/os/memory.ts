/** Keeps the memory of a program that lives for months what it was on its first day. */
import { attempt } from "../errors.ts";
import { foreignFunctions } from "./ffi.ts";

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
