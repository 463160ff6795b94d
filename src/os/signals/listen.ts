/**
 * Listens to signals of the process: for good, and from the first moment on.
 *
 * For good: `process.removeAllListeners("SIGTERM")` in somebody's code is meant for the listeners of that code, but
 * would make PID 1 deaf. Node.js itself notices listeners for signals by two listeners of its own, and
 * `process.removeAllListeners()` removes these, too. We keep Node.js's two as well, or libuv would not catch a signal
 * that gets a listener later.
 */
import type { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { attempt } from "../../base/errors.ts";
import { foreignFunctions } from "../ffi/ffi.ts";

type Event = string | symbol;
type Listener = Parameters<EventEmitter["on"]>[1];

interface Kept {
	readonly event: Event;
	readonly listener: Listener;
}

/** Names of Node.js's own listeners. */
const OF_NODE = ["startListeningIfSignal", "stopListeningIfSignal"];

const emitter: EventEmitter = process;
const kept: Kept[] = [];

/** Adds a listener that is added again when somebody removes it, and that is never there twice. */
export function listenForGood(signal: string, listener: () => void): void {
	if (kept.length === 0) {
		for (const event of ["newListener", "removeListener"])
			for (const own of emitter.listeners(event) as Listener[])
				if (OF_NODE.includes(own.name)) kept.push({ event, listener: own });
		keep({ event: "newListener", listener: onAdded });
		keep({ event: "removeListener", listener: onRemoved });
	}
	keep({ event: signal, listener });
}

function keep(one: Kept): void {
	kept.push(one);
	add(one);
}

function add({ event, listener }: Kept): void {
	// onRemoved must run before Node.js's own listener, which removes the signal's handler if it finds no listener left.
	if (listener === onRemoved) emitter.prependListener(event, listener);
	else emitter.on(event, listener);
}

function find(event: Event, listener: Listener): Kept | undefined {
	return kept.find((one) => one.event === event && one.listener === listener);
}

function count({ event, listener }: Kept): number {
	return emitter.listeners(event).filter((other) => other === listener).length;
}

function onRemoved(event: Event, listener: Listener): void {
	const one = find(event, listener);
	if (!one || count(one) > 0) return;
	add(one);
	// removeAllListeners() without an event drops all listeners in its last line, the one just added, too: check again.
	queueMicrotask(settle);
}

/** Somebody may remove all listeners and add them again later, ours included. */
function onAdded(event: Event, listener: Listener): void {
	const one = find(event, listener);
	if (one && count(one) > 0) queueMicrotask(settle);
}

/** Makes sure that each kept listener is there exactly once. */
function settle(): void {
	for (const one of kept) {
		for (let more = count(one); more > 1; more--) emitter.removeListener(one.event, one.listener);
		if (count(one) === 0) add(one);
	}
}

const SIG_DFL = 0n;
/** A mask that umask(2), called as a handler with the signal's number, cannot set: no signal has this number. */
const UNTOUCHED = 0o777;

/**
 * Takes a stop signal over from Node.js, and notices one that came before any JavaScript could listen.
 *
 * From a few milliseconds after exec until the first listener, Node.js has a handler of its own for SIGTERM and SIGINT.
 * It is installed with SA_RESETHAND and raises the signal again. For PID 1 the kernel drops the raised signal, so a
 * stop request would be lost. But the handler is gone then: if the signal has its default action, it has come already.
 *
 * A signal between this check and the listener must not be lost either: on a starved machine the gap is milliseconds
 * long, and one `docker stop` in a hundred falls into it. So signal(2) checks the handler and sets a new one in one
 * step. The new one is umask(2): it can be called like a handler, is async-signal-safe, and leaves a trace. Without
 * foreign functions the gap stays.
 *
 * @param listen Adds the listener, `process.on(signal, …)`.
 * @returns Whether the signal came before the listener. Always false outside PID 1: there it has ended the process.
 */
export function takeOver(signal: "SIGTERM" | "SIGINT", listen: () => void): boolean {
	// If there is a listener, libuv's handler has replaced Node.js's own, and libuv would not install it again.
	if (process.pid !== 1 || process.listenerCount(signal) > 0) {
		listen();
		return false;
	}
	const exchange = bindExchange();
	if (!exchange) {
		const hasCome = !isCaught(signal);
		listen();
		return hasCome;
	}
	const mask = process.umask(UNTOUCHED);
	const before = exchange(constants.signals[signal]);
	listen();
	const touched = process.umask(mask) !== UNTOUCHED;
	return touched || before === SIG_DFL;
}

/** @returns A function that makes umask(2) the handler of a signal, and returns the handler before it. */
function bindExchange(): ((signal: number) => bigint) | undefined {
	const ffi = foreignFunctions();
	if (!ffi) return undefined;
	return attempt(() => {
		const exchange = ffi.bind("signal", "ulong", ["int", "pointer"]);
		const umask = ffi.symbol("umask");
		return (signal: number) => BigInt(exchange(signal, umask));
	});
}

/** Whether the signal has a handler: its bit of SigCgt in /proc/self/status. */
function isCaught(signal: "SIGTERM" | "SIGINT"): boolean {
	const status = attempt(() => readFileSync("/proc/self/status", "latin1")) ?? "";
	// The lower half of the mask: signals 1 to 32.
	const [, mask] = /^SigCgt:\t[0-9a-f]{8}([0-9a-f]{8})$/m.exec(status) ?? [];
	// Without /proc an early signal cannot be noticed.
	if (mask === undefined) return true;
	return (Number.parseInt(mask, 16) & (1 << (constants.signals[signal] - 1))) !== 0;
}
