import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { attempt } from "../../src/base/errors.ts";

/** Whether Node.js has got so far that a signal can be noticed: it holds a handler for it, of its own for SIGTERM. */
export function isUp(pid: number, signal = 15): boolean {
	// A container's first process is runc, which has one, too, and takes none of the signals over into the program.
	if (programOf(pid) !== "node") return false;
	const status = attempt(() => readFileSync(`/proc/${pid}/status`, "latin1"));
	const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1] ?? "0";
	return (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

/** The same of a container's first process, be it Node.js or the engine's init. */
export function hasBegun(pid: number): boolean {
	return isUp(pid) || programOf(pid) === "docker-init";
}

function programOf(pid: number): string {
	return basename(attempt(() => readlinkSync(`/proc/${pid}/exe`)) ?? "");
}
