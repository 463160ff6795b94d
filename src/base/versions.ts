/**
 * What every way in asks before it loads anything else: whether this Node.js is new enough, and whether this is a
 * thread. This file must run on any Node.js: it imports nothing, and uses nothing that an old Node.js lacks.
 */

/** Defined by scripts/lib/bundle.ts, from package.json; undefined when the sources run. */
declare const LASTCALL_MIN_NODE: number | undefined;
declare const LASTCALL_VERSION: string | undefined;

/** The version of lastcall. */
export function readVersion(): string {
	return typeof LASTCALL_VERSION === "string" ? LASTCALL_VERSION : readPackage().version;
}

/** One line for the user of an older Node.js; `undefined` if this one is new enough. */
export function complainOfNode(): string | undefined {
	const oldest =
		typeof LASTCALL_MIN_NODE === "number" ? LASTCALL_MIN_NODE : Number(readPackage().engines.node.replace(/\D/g, ""));
	if (Number.parseInt(process.versions.node, 10) >= oldest) return undefined;
	return `lastcall needs Node.js ${oldest} or newer, this is ${process.version}`;
}

/**
 * Prints a line on standard error before it returns, and never throws. `process.stderr` may throw, and would make a
 * shared pipe non-blocking for others. `_rawDebug` is undocumented, but every Node.js that is too old for us has it.
 */
export function printRaw(line: string): void {
	(process as unknown as { _rawDebug(line: string): void })._rawDebug(line);
}

/** Whether this is a worker thread. Asks without node:worker_threads, which takes 3 ms to load. */
export function inWorkerThread(): boolean {
	// A worker cannot change the directory of the process: its process.chdir is a stub with this property.
	return (process.chdir as { disabled?: boolean }).disabled === true;
}

function readPackage(): { version: string; engines: { node: string } } {
	const { readFileSync } = process.getBuiltinModule("node:fs");
	return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
}
