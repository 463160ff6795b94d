/**
 * Takes a stop signal over from Node.js, and knows whether it has come before any JavaScript could listen.
 *
 * From a few milliseconds after exec until the first listener, Node.js holds a handler of its own for SIGTERM and SIGINT. It is
 * installed with SA_RESETHAND and re-raises; for PID 1 the kernel drops the re-raised signal, and a stop request would be
 * lost. But the handler is gone then: a signal that has the default action at this moment has come already.
 *
 * Between that look and the listener there must be no gap: a starved machine makes milliseconds of it, and one `docker stop`
 * of a hundred falls in. So the look is an exchange, signal(2), and what stands in for the listener until it is there is
 * umask(2): a function of the kind `void (int)` that may be called in signal context and whose call shows.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { attempt } from "../errors.ts";
import { foreignFunctions } from "./ffi.ts";

export type StopSignal = "SIGTERM" | "SIGINT";

const SIG_DFL = 0n;
/** No signal's number. */
const UNTOUCHED = 0o777;

/**
 * @param listen Adds the listener, `process.on(signal, …)`.
 * @returns Whether the signal has come before it. To be believed by PID 1 only: others have been ended by it.
 */
export function takeOver(signal: StopSignal, listen: () => void): boolean {
	// Another listener: Node.js's own handler has gone in time, and libuv would not put its own there a second time.
	if (process.listenerCount(signal) > 0) {
		listen();
		return false;
	}
	const exchange = process.pid === 1 ? bindExchange() : undefined;
	if (!exchange) {
		const caught = isCaught(signal);
		listen();
		return !caught;
	}
	const mask = process.umask(UNTOUCHED);
	const before = exchange(constants.signals[signal]);
	listen();
	const touched = process.umask(mask) !== UNTOUCHED;
	return touched || before === SIG_DFL;
}

/** Puts umask(2) in the place of a signal's handler, which it returns. */
function bindExchange(): ((signal: number) => bigint) | undefined {
	const ffi = foreignFunctions();
	return (
		ffi &&
		attempt(() => {
			const exchange = ffi.bind("signal", "ulong", ["int", "pointer"]);
			const umask = ffi.symbol("umask");
			return (signal: number) => BigInt(exchange(signal, umask));
		})
	);
}

const FIELD = "\nSigCgt:\t";
const DIGITS = 16;

/** Bit of SigCgt in /proc/self/status: clear at the first line of JavaScript only if the signal has come already. */
function isCaught(signal: StopSignal): boolean {
	const status = attempt(() => readFileSync("/proc/self/status", "latin1"));
	const field = status?.indexOf(FIELD) ?? -1;
	// Without /proc there is nothing to notice it by.
	if (!status || field === -1) return true;
	// The lower half: signals 1 to 32.
	const end = field + FIELD.length + DIGITS;
	const mask = Number.parseInt(status.slice(end - DIGITS / 2, end), 16);
	return (mask & (1 << (constants.signals[signal] - 1))) !== 0;
}
