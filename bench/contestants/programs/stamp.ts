// stamp.mjs in TypeScript.
import { appendFileSync } from "node:fs";

/** Says that a member of the service waits: one write. */
export function stamp(): void {
	appendFileSync(process.env.STAMP ?? "/dev/null", `${process.hrtime.bigint()}\n`);
}
