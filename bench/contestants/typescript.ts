/** The contestants whose jobs may be TypeScript, with such jobs: with and without a compile cache that holds them. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { cacheDir } from "../../scripts/lib/paths.ts";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { inTypeScript, withWarmCache } from "../lib/names.ts";
import { nodeProgram, programPath } from "./node.ts";

/** What its threads and its main load. */
type Files = readonly string[];

/** @param serve Runs a service of threads whose code is in these files. */
export function typeScriptContestants(
	{ name, version }: Contestant,
	files: Files,
	serve: (threads: number, directory: string) => Launch,
): Contestant[] {
	const make = (name: string, env: Launch["env"] = {}): Contestant => ({
		name,
		version,
		serve({ threads, processes }: IdleService, directory) {
			if (processes > 0) return undefined;
			const launch = serve(threads, directory);
			return { ...launch, env: { ...launch.env, ...env } };
		},
	});
	const plain = inTypeScript(name);
	return [make(plain), make(withWarmCache(plain), { NODE_COMPILE_CACHE: warmCache(files) })];
}

/** A directory for NODE_COMPILE_CACHE that has been filled from these files, as an image could have it. */
function warmCache(files: Files): string {
	const directory = join(cacheDir, "bench/compile-cache");
	const [node = "", ...args] = nodeProgram("fill-compile-cache.mjs", ...files.map(programPath));
	execFileSync(node, args, { env: { ...process.env, NODE_COMPILE_CACHE: directory }, stdio: "inherit" });
	return directory;
}
