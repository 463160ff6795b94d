/** The version of the package. */
import { readFileSync } from "node:fs";

/** Put in by scripts/build.ts; not there when the sources run. */
declare const LASTCALL_VERSION: string | undefined;

/** Version of the package. */
export function readVersion(): string {
	if (typeof LASTCALL_VERSION === "string") return LASTCALL_VERSION;
	const file = new URL("../../package.json", import.meta.url);
	return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
