/** Whether a stop signal has come before any JavaScript could listen. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { attempt } from "../errors.ts";

/** Bit of SigCgt in /proc/self/status: clear at the first line of JavaScript only if the signal has come already. */
export function isCaught(signal: NodeJS.Signals): boolean {
	const status = attempt(() => readFileSync("/proc/self/status", "latin1"));
	const mask = status && /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
	// Without /proc there is nothing to notice it by.
	if (!mask) return true;
	const bit = 1n << BigInt(constants.signals[signal] - 1);
	return (BigInt(`0x${mask}`) & bit) !== 0n;
}
