/** The Node.js that contestants run on. */
import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "../../scripts/lib/paths.ts";

let copy: string | undefined;

/**
 * A copy of the Node.js binary that runs the benchmark. The kernel splits the pages of a file evenly among the processes that map
 * it: with the same file as the benchmark's own, each contestant would seem to need less memory than it does.
 */
export function nodeBinary(): string {
	copy ??= copyNode();
	return copy;
}

function copyNode(): string {
	const directory = join(cacheDir, "bench");
	const path = join(directory, `node-${process.versions.node}`);
	if (existsSync(path)) return path;
	mkdirSync(directory, { recursive: true });
	const unfinished = `${path}.${process.pid}`;
	copyFileSync(process.execPath, unfinished);
	renameSync(unfinished, path);
	return path;
}

/** Absolute path of a program in `programs/`. */
export function programPath(name: string): string {
	return join(import.meta.dirname, "programs", name);
}

/** The command that runs one of them. */
export function nodeProgram(name: string, ...args: string[]): string[] {
	return [nodeBinary(), programPath(name), ...args];
}

/** The service that is written by hand, as one program. */
export function byHand(threads: number, processes: number, member: string, program = "by-hand.mjs") {
	const counts = [String(threads), String(processes)];
	return nodeProgram(program, ...counts, member);
}
