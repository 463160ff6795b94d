/** The programs in C of bench/helpers: a harness in JavaScript would measure itself. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cacheDir, root } from "../../scripts/lib/paths.ts";
import { ScriptError } from "../../scripts/lib/script.ts";

/** Static: the dynamic linker's half a millisecond is nobody's in particular. */
const FLAGS = ["-O2", "-Wall", "-static"];

/**
 * The path of a program of bench/helpers, for instance "first"; compiled when it is not there, or not from this source. Needs
 * gcc and the C library's static archive (Debian: gcc, libc6-dev).
 */
export function helper(name: string): string {
	const source = join(root, "bench/helpers", `${name}.c`);
	const hash = createHash("sha256").update(readFileSync(source)).update(FLAGS.join(" ")).digest("hex");
	const directory = join(cacheDir, "bench");
	const path = join(directory, `${name}-${hash.slice(0, 12)}`);
	if (existsSync(path)) return path;
	mkdirSync(directory, { recursive: true });
	// Two checkouts may compile at the same time.
	const unfinished = `${path}.${process.pid}`;
	const args = [...FLAGS, "-o", unfinished, source];
	const { error, status } = spawnSync("gcc", args, { stdio: "inherit" });
	if (error !== undefined || status !== 0)
		throw new ScriptError(
			`Cannot compile bench/helpers/${name}.c: ${error ? "found no gcc on PATH" : `gcc ended with ${status}`}. It takes gcc and the C library's static archive (Debian: gcc, libc6-dev)`,
		);
	renameSync(unfinished, path);
	return path;
}
