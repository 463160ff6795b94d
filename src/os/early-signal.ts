/** Whether a stop signal has come before any JavaScript could listen. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { attempt } from "../errors.ts";

const FIELD = "\nSigCgt:\t";
const DIGITS = 16;

/** Bit of SigCgt in /proc/self/status: clear at the first line of JavaScript only if the signal has come already. */
export function isCaught(signal: NodeJS.Signals): boolean {
	const status = attempt(() => readFileSync("/proc/self/status", "latin1"));
	const field = status?.indexOf(FIELD) ?? -1;
	// Without /proc there is nothing to notice it by.
	if (!status || field === -1) return true;
	// The lower half: signals 1 to 32.
	const end = field + FIELD.length + DIGITS;
	const mask = Number.parseInt(status.slice(end - DIGITS / 2, end), 16);
	return (mask & (1 << (constants.signals[signal] - 1))) !== 0;
}
