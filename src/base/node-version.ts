/**
 * Whether this Node.js is new enough. Each way in asks before anything else is loaded. This file must work on any Node.js:
 * no import, nothing that an old one lacks.
 */

/** The oldest that will do, from package.json's `engines`. Put in by scripts/lib/bundle.ts; not there when the sources run. */
declare const LASTCALL_MIN_NODE: number | undefined;

/** What to tell the user of an older Node.js, in one line; undefined if this one will do. */
export function complainOfNode(): string | undefined {
	const needed = minNode();
	if (Number.parseInt(process.versions.node, 10) >= needed) return undefined;
	return `lastcall needs Node.js ${needed} or newer, this is ${process.version}`;
}

/**
 * Prints a line on standard error, now, and never throws. `process.stderr` may throw, and would make a pipe non-blocking that
 * others share. Undocumented, but there in every Node.js that is too old for us.
 */
export function printRaw(line: string): void {
	(process as unknown as { _rawDebug(line: string): void })._rawDebug(line);
}

function minNode(): number {
	if (typeof LASTCALL_MIN_NODE === "number") return LASTCALL_MIN_NODE;
	const { readFileSync } = process.getBuiltinModule("node:fs");
	const file = new URL("../../package.json", import.meta.url);
	const { engines } = JSON.parse(readFileSync(file, "utf8")) as {
		engines: { node: string };
	};
	return Number(engines.node.replace(/\D/g, ""));
}
