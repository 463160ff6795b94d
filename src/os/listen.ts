/**
 * Listens to events of the process for good. `process.removeAllListeners("SIGTERM")` in somebody's code means the listeners of that
 * code, and would make PID 1 deaf.
 *
 * Node.js itself hears of listeners for signals by two listeners of its own. `process.removeAllListeners()` takes off these, too:
 * they are kept as well, or a signal that gets a new listener would not be caught.
 */
import type { EventEmitter } from "node:events";

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
				if (OF_NODE.includes(listener.name))
					kept.push({ event: own, listener });
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
		for (let more = count(one); more > 1; more--)
			emitter.removeListener(one.event, one.listener as () => void);
		if (count(one) === 0) add(one);
	}
}
