/**
 * The signals of the process. Importing this file takes hold of them, so the entry file imports it first.
 *
 * Invariants:
 * - No SIGTERM or SIGINT is lost, not even one that came before any JavaScript (early-signal.ts).
 * - SIGUSR1 has a listener from here on, else Node.js opens the inspector. (`--disable-sigusr1` would leave it blocked.)
 * - No listener is ever taken off: libuv would leave SIG_DFL behind. Not by others either (listen.ts).
 */
import { constants } from "node:os";
import type { ForeignFunctions } from "../ffi/ffi.ts";
import { FAULTS, listenToFaults } from "./faults.ts";
import { listenForGood, takeOver } from "./listen.ts";
import { signalName } from "./names.ts";
import { listenToRealTime } from "./realtime.ts";

export interface ReceivedSignal {
	/** `SIGTERM`; `SIGRTMIN+3`, of which Node.js's own type knows nothing. */
	readonly signal: string;
	readonly number: number;
	/** It arrived while Node.js was starting, before any listener. */
	readonly early: boolean;
}

type SignalHandler = (received: ReceivedSignal) => void;

/** Signals from before somebody listened, in their order. */
const waiting: ReceivedSignal[] = [];
let handler: SignalHandler = (received) => {
	waiting.push(received);
	if (isStopSignal(received)) stopWaiting.resolve();
};
const stopWaiting = Promise.withResolvers<void>();
/** Settles when a stop signal has come that nobody has taken yet. */
export const stopSignalWaiting: Promise<void> = stopWaiting.promise;

function deliver(signal: NodeJS.Signals, early: boolean): void {
	handler({ signal, number: constants.signals[signal], early });
}

/** Not to be caught, or about ourselves: our children, our terminal, our own faults. By number: some have two names. */
const NOT_FORWARDED: ReadonlySet<number> = new Set(
	(["SIGKILL", "SIGSTOP", "SIGCHLD", "SIGTTIN", "SIGTTOU", ...FAULTS] as const).map((name) => constants.signals[name]),
);

/** Whether it asks an init to stop. */
export function isStopSignal({ signal }: ReceivedSignal): boolean {
	return signal === "SIGTERM" || signal === "SIGINT";
}

/** Numbers of the signals that have a listener. */
const heard = new Set<number>();

function listen(signal: NodeJS.Signals): void {
	heard.add(constants.signals[signal]);
	listenForGood(signal, () => deliver(signal, false));
}

listen("SIGUSR1");
// Outside PID 1 an early signal has ended the process, as it should.
const isInit = process.pid === 1;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
	const early = takeOver(signal, () => listen(signal));
	if (early && isInit) deliver(signal, true);
}

/** Hands every signal that has come, and each one that will come, to the handler. */
export function onSignal(next: SignalHandler): void {
	handler = next;
	for (const received of waiting.splice(0)) next(received);
}

/** Takes hold of further signals, for those who hear from {@link onSignal}. Not of SIGPROF in `run`: V8's profiler lives by it. */
export function listenTo(signals: readonly NodeJS.Signals[]): void {
	// By number: some have two names, and each listener would count.
	for (const signal of signals) if (!heard.has(constants.signals[signal])) listen(signal);
}

/** Takes hold of every signal that the init of a program in the foreground passes on, and of some more. */
export function listenToAll(more: readonly NodeJS.Signals[] = []): void {
	const names = Object.keys(constants.signals) as NodeJS.Signals[];
	listenTo(names.filter((name) => !NOT_FORWARDED.has(constants.signals[name])));
	listenTo(more);
}

/** The rest of them: real-time signals, which Node.js itself does not know. */
export function listenToRealTimeToo(ffi: ForeignFunctions): void {
	listenToRealTime(ffi, (number) => handler({ signal: signalName(number), number, early: false }));
}

/** Faults that somebody sends. One of our own still ends the process. */
export function listenToFaultsToo(ffi: ForeignFunctions): void {
	listenToFaults(ffi, (signal) => deliver(signal, false));
}
