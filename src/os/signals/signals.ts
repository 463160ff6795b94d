/**
 * The signals of the process. An import of this file begins to listen for stop signals, so main.ts imports it first.
 *
 * Invariants:
 * - No SIGTERM or SIGINT is lost, not even one that came before any JavaScript ran (`takeOver()` in listen.ts).
 * - SIGUSR1 has a listener from here on, or Node.js would open the inspector. (`--disable-sigusr1` leaves it blocked.)
 * - No listener is ever removed, not even by other code (listen.ts): libuv would restore SIG_DFL.
 */
import { constants } from "node:os";
import type { ForeignFunctions } from "../ffi/ffi.ts";
import { listenForGood, takeOver } from "./listen.ts";
import { signalName } from "./names.ts";
import { FAULTS, listenToFaults, listenToRealTime } from "./special.ts";

export interface ReceivedSignal {
	/** `SIGTERM`, or `SIGRTMIN+3`, which Node.js's own type lacks. */
	readonly signal: string;
	readonly number: number;
	/** It arrived while Node.js was starting, before any listener. */
	readonly early: boolean;
}

type SignalHandler = (received: ReceivedSignal) => void;

const stopWaiting = Promise.withResolvers<void>();
/** Settles if a stop signal comes before {@link onSignal} is called. */
export const stopSignalWaiting: Promise<void> = stopWaiting.promise;

/** Signals that came before {@link onSignal} was called, in their order. */
const waiting: ReceivedSignal[] = [];
let handler: SignalHandler = (received) => {
	waiting.push(received);
	if (isStopSignal(received)) stopWaiting.resolve();
};

/** Signals that cannot be caught, or that are about this process: its children, its terminal, its faults. */
const NOT_FORWARDED: ReadonlySet<number> = new Set(
	(["SIGKILL", "SIGSTOP", "SIGCHLD", "SIGTTIN", "SIGTTOU", ...FAULTS] as const).map((name) => constants.signals[name]),
);

/** Whether the signal asks an init to stop. */
export function isStopSignal({ signal }: ReceivedSignal): boolean {
	return signal === "SIGTERM" || signal === "SIGINT";
}

function deliver(signal: NodeJS.Signals, early = false): void {
	handler({ signal, number: constants.signals[signal], early });
}

/** Numbers of the signals that have a listener. Not names: for a signal of two names two listeners would be called. */
const heard = new Set<number>();

function listen(signal: NodeJS.Signals): void {
	heard.add(constants.signals[signal]);
	listenForGood(signal, () => deliver(signal));
}

listen("SIGUSR1");
for (const signal of ["SIGTERM", "SIGINT"] as const) if (takeOver(signal, () => listen(signal))) deliver(signal, true);

/** Passes each signal that has come, and each one that will come, to the handler. */
export function onSignal(next: SignalHandler): void {
	handler = next;
	for (const received of waiting.splice(0)) next(received);
}

/** Listens to further signals for {@link onSignal}. `run` leaves SIGPROF alone: V8's profiler uses it. */
export function listenTo(signals: readonly NodeJS.Signals[]): void {
	for (const signal of signals) if (!heard.has(constants.signals[signal])) listen(signal);
}

/** Listens to every signal that the init of a program in the foreground passes on, and to some more. */
export function listenToAll(more: readonly NodeJS.Signals[] = []): void {
	const names = Object.keys(constants.signals) as NodeJS.Signals[];
	listenTo([...names.filter((name) => !NOT_FORWARDED.has(constants.signals[name])), ...more]);
}

/** Listens to real-time signals, too, which Node.js itself does not know. */
export function listenToRealTimeToo(ffi: ForeignFunctions): void {
	listenToRealTime(ffi, (number) => handler({ signal: signalName(number), number, early: false }));
}

/** Listens to the signals of a fault, too, when somebody sends them. A fault of our own still ends the process. */
export function listenToFaultsToo(ffi: ForeignFunctions): void {
	listenToFaults(ffi, deliver);
}
