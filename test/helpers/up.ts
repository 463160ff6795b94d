import { readFileSync, readlinkSync } from "node:fs";
import { attempt } from "../../src/errors.ts";

/** Whether Node.js has got so far that a signal can be noticed: it holds a handler of its own for SIGTERM. */
export function isUp(pid: number): boolean {
	// A container's first process is runc, which has one, too, and takes none of the signals over into the program.
	const program = attempt(() => readlinkSync(`/proc/${pid}/exe`));
	if (!program?.endsWith("/node")) return false;
	const status = attempt(() => readFileSync(`/proc/${pid}/status`, "latin1"));
	const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1] ?? "0";
	return (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n;
}
