/** Keeps the stripped TypeScript of the fixtures between processes: else each thread and each process that runs one strips and compiles it anew. */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { attempt } from "../../src/base/errors.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Below the checkout, which belongs to its user: code is run from there. */
const CACHE = join(ROOT, "node_modules/.cache/lastcall-test");
const FILLING = join(ROOT, "test/fixtures/fill-cache.ts");

/**
 * Makes this process's children use the cache, and fills it if a source is newer. Node.js fills it at its exit, but lastcall ends
 * by _exit(2), so that would never happen by itself. Without a cache tests are slower, and nothing else.
 */
export function useCompileCache(): void {
	// Fixtures that a job's thread runs import helpers, too.
	if (!isMainThread || process.env.NODE_COMPILE_CACHE) return;
	process.env.NODE_COMPILE_CACHE = CACHE;
	attempt(() => {
		mkdirSync(CACHE, { recursive: true });
		const filled = join(CACHE, `filled-${process.version}-${newestSource()}`);
		if (existsSync(filled)) return;
		spawnSync(process.execPath, [FILLING], { stdio: "ignore", timeout: 60_000 });
		writeFileSync(filled, "");
	});
}

function newestSource(): number {
	const times = globSync("{src,test}/**/*.ts", { cwd: ROOT }).map((file) => statSync(join(ROOT, file)).mtimeMs);
	return Math.max(...times);
}
