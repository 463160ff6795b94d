import { appendFileSync } from "node:fs";

/** Says that a member of the service waits: one write. */
export function stamp() {
	appendFileSync(process.env.STAMP, `${process.hrtime.bigint()}\n`);
}
