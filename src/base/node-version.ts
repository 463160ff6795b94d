/**
 * Whether this Node.js is new enough. Each way in asks before it loads anything else. This file must run on any
 * Node.js: it imports nothing, and uses nothing that an old Node.js lacks.
 */

/** The oldest supported version (package.json). Defined by scripts/lib/bundle.ts; undefined when the sources run. */
declare const LASTCALL_MIN_NODE: number | undefined;

/** One line for the user of an older Node.js; `undefined` if this one is new enough. */
export function complainOfNode(): string | undefined {
	const needed = minNode();
	if (Number.parseInt(process.versions.node, 10) >= needed) return undefined;
	return `lastcall needs Node.js ${needed} or newer, this is ${process.version}`;
}

/**
 * Prints a line on standard error before it returns, and never throws. `process.stderr` may throw, and would make a
 * shared pipe non-blocking for others. `_rawDebug` is undocumented, but every Node.js that is too old for us has it.
 */
export function printRaw(line: string): void {
	(process as unknown as { _rawDebug(line: string): void })._rawDebug(line);
}

function minNode(): number {
	if (typeof LASTCALL_MIN_NODE === "number") return LASTCALL_MIN_NODE;
	const { readFileSync } = process.getBuiltinModule("node:fs");
	const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
	return Number((JSON.parse(text) as { engines: { node: string } }).engines.node.replace(/\D/g, ""));
}
