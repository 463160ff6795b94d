/** The version of the package. */
import { readFileSync } from "node:fs";

/** Defined by scripts/lib/bundle.ts; undefined when the sources run. */
declare const LASTCALL_VERSION: string | undefined;

export function readVersion(): string {
	if (typeof LASTCALL_VERSION === "string") return LASTCALL_VERSION;
	const file = new URL("../../package.json", import.meta.url);
	return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
