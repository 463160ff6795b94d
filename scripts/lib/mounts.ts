import { readFileSync, realpathSync, rmSync } from "node:fs";
import { run } from "./command.ts";
import { cleanUp } from "./interruption.ts";
import { ScriptError } from "./script.ts";

/** Every mount below a directory, the last one first: it may stand on an earlier one. */
export function mountsBelow(directory: string): string[] {
	return readFileSync("/proc/self/mountinfo", "utf8")
		.split("\n")
		.map((line) => decode(line.split(" ")[4] ?? ""))
		.filter((path) => path.startsWith(`${directory}/`))
		.reverse();
}

/** Lazily: whoever still has a file open there does not keep the mount. */
export async function unmountBelow(directory: string): Promise<void> {
	for (const path of mountsBelow(directory)) await run("umount", ["--lazy", path]);
}

/** Removes a directory with all that is in it, after unmounting what is mounted there. */
export async function removeDirectory(directory: string): Promise<void> {
	const path = realpathSync(directory);
	await cleanUp(() => unmountBelow(path));
	const [mount] = mountsBelow(path);
	// Removing would go on in whatever is mounted.
	if (mount !== undefined) throw new ScriptError(`Cannot remove ${path}: ${mount} is still mounted`);
	rmSync(path, { recursive: true, force: true });
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function decode(path: string): string {
	return path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
}
