/** Node.js without an init: as it is, and as a careful author writes it. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { cacheDir } from "../../scripts/lib/paths.ts";
import type { Contestant, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { BARE_NODE, HAND_WRITTEN, HAND_WRITTEN_PINO } from "../lib/names.ts";
import { byHand, nodeProgram, programPath } from "./node.ts";
import { typeScriptContestants } from "./typescript.ts";

/** A service that is TypeScript with its main. */
function serveTypeScript(main: string, threads: number, isPrepared: boolean): Launch {
	const command = nodeProgram(main, String(threads));
	return isPrepared ? { command, env: { NODE_COMPILE_CACHE: warmCache(main) } } : { command };
}

/** A directory for NODE_COMPILE_CACHE that holds what the service loads, as an image could have it. */
function warmCache(main: string): string {
	const directory = join(cacheDir, "bench/compile-cache");
	const files = [main, "wait-for-flag.ts"].map(programPath);
	const [node = "", ...args] = nodeProgram("fill-compile-cache.mjs", ...files);
	execFileSync(node, args, { env: { ...process.env, NODE_COMPILE_CACHE: directory }, stdio: "inherit" });
	return directory;
}

export function findNode(): Contestant[] {
	const version = process.versions.node;
	return [
		{ name: BARE_NODE, version, wrap: (program) => ({ command: nodeProgram("spawn-alone.mjs", ...program) }) },
		{
			name: HAND_WRITTEN,
			version,
			wrap: (program) => ({ command: nodeProgram("spawn-by-hand.mjs", ...program) }),
			serve: ({ threads, processes }) => ({ command: byHand(threads, processes, helper("first")) }),
		},
		{
			name: HAND_WRITTEN_PINO,
			version,
			serve: ({ threads, processes }) => ({ command: byHand(threads, processes, helper("first"), "by-hand-pino.mjs") }),
		},
		...typeScriptContestants({ name: HAND_WRITTEN, version }, (threads, _, isPrepared) =>
			serveTypeScript("by-hand.ts", threads, isPrepared),
		),
		...typeScriptContestants({ name: HAND_WRITTEN_PINO, version }, (threads, _, isPrepared) =>
			serveTypeScript("by-hand-pino.ts", threads, isPrepared),
		),
	];
}
