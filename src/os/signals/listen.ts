/**
 * Listens to events of the process for good. `process.removeAllListeners("SIGTERM")` in somebody's code means the listeners of that
 * code, and would make PID 1 deaf.
 *
 * Node.js itself hears of listeners for signals by two listeners of its own. `process.removeAllListeners()` takes off these, too:
 * they are kept as well, or a signal that gets a new listener would not be caught.
 */
import type { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { attempt } from "../../base/errors.ts";
import { foreignFunctions } from "../ffi/ffi.ts";

type Event = string | symbol;
type Listener = (...args: never[]) => void;

interface Kept {
	readonly event: Event;
	readonly listener: Listener;
}

/** Names of Node.js's own. */
const OF_NODE = ["startListeningIfSignal", "stopListeningIfSignal"];

const emitter: EventEmitter = process;
const kept: Kept[] = [];

/** Adds a listener that is put back when it is taken off, and of which there is only one. */
export function listenForGood(event: string, listener: () => void): void {
	if (kept.length === 0) {
		for (const own of ["newListener", "removeListener"])
			for (const listener of emitter.listeners(own) as Listener[])
				if (OF_NODE.includes(listener.name)) kept.push({ event: own, listener });
		keep({ event: "newListener", listener: onAdded as Listener });
		keep({ event: "removeListener", listener: onRemoved as Listener });
	}
	keep({ event, listener });
}

function keep(one: Kept): void {
	kept.push(one);
	add(one);
}

function add({ event, listener }: Kept): void {
	// This one runs before Node.js's own. So the signal never loses its handler.
	const added = listener as () => void;
	if (listener === onRemoved) emitter.prependListener(event, added);
	else emitter.on(event, added);
}

function count({ event, listener }: Kept): number {
	const all = emitter.listeners(event) as Listener[];
	return all.filter((other) => other === listener).length;
}

function find(event: Event, listener: Listener): Kept | undefined {
	return kept.find((one) => one.event === event && one.listener === listener);
}

function onRemoved(event: Event, listener: Listener): void {
	const one = find(event, listener);
	if (!one || count(one) > 0) return;
	add(one);
	// removeAllListeners() without an event forgets everything in its last line.
	queueMicrotask(settle);
}

/** Somebody takes all listeners off, and puts them back later: ours, too. */
function onAdded(event: Event, listener: Listener): void {
	const one = find(event, listener);
	if (one && count(one) > 0) queueMicrotask(settle);
}

function settle(): void {
	for (const one of kept) {
		for (let more = count(one); more > 1; more--) emitter.removeListener(one.event, one.listener as () => void);
		if (count(one) === 0) add(one);
	}
}

// ==== from early-signal.ts

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
