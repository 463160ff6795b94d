/**
 * Listens to events of the process for good. `process.removeAllListeners("SIGTERM")` in somebody's code means the listeners of that
 * code, and would make PID 1 deaf.
 *
 * Node.js itself hears of listeners for signals by two listeners of its own. `process.removeAllListeners()` takes off these, too:
 * they are kept as well, or a signal that gets a new listener would not be caught.
 */
import type { EventEmitter } from "node:events";

type Event = string | symbol;
type Listener = () => void;

const emitter: EventEmitter = process;
const kept: { readonly event: Event; readonly listener: Listener }[] = [];

/** Adds a listener that is put back when it is taken off. */
export function listenForGood(event: string, listener: Listener): void {
	if (kept.length === 0) {
		for (const own of ["newListener", "removeListener"])
			for (const listener of emitter.listeners(own))
				kept.push({ event: own, listener: listener as Listener });
		keep("removeListener", onRemoved as Listener);
	}
	keep(event, listener);
}

function keep(event: Event, listener: Listener): void {
	kept.push({ event, listener });
	emitter.on(event, listener);
}

function onRemoved(event: Event, listener: Listener): void {
	if (!kept.some((one) => one.event === event && one.listener === listener))
		return;
	// At once, else libuv gives the signal up.
	emitter.on(event, listener);
	// removeAllListeners() without an event forgets everything in its last line.
	queueMicrotask(putBack);
}

function putBack(): void {
	for (const { event, listener } of kept)
		if (!emitter.listeners(event).some((other) => other === listener))
			emitter.on(event, listener);
}
