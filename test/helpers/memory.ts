import { readFileSync } from "node:fs";

/** KiB of a process that it shares with nobody. */
export function privateDirty(pid: number | "self"): number {
	const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
	return Number(/^Private_Dirty: +(\d+)/m.exec(rollup)?.[1]);
}
