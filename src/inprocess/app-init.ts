/**
 * Who decides about the end of the app: its stop handlers, its own listeners, or the default.
 *
 * Invariants:
 * - Signals are taken only as PID 1, or when there is a stop handler. Elsewhere they stay with Node.js and the kernel.
 * - Without stop handlers a listener of the app decides, and we do nothing. Without a listener, too, the default is the one of every
 *   process but PID 1: the end, with 128 + n.
 * - The same holds for an uncaught exception: we listen only if there are stop handlers, and a listener of the app comes first.
 * - Our listeners stay even if the app takes them off: PID 1 would ignore the signal again. So an app that cleans up, takes off its
 *   own listener and sends itself the signal again ends as it expects.
 */
import { constants } from "node:os";
import { errorInfo } from "../base/errors.ts";
import { exitWithin } from "../os/signals/guard.ts";
import { listenForGood, takeOver } from "../os/signals/listen.ts";
import { heldAtEnd, printUncaught } from "./messages.ts";
import type { AppStopReason, StopHandler, StopSequence } from "./stop-sequence.ts";

/** For exit listeners and threads, when there is nothing to stop. */
const EXIT_MS = 1_000;

/**
 * There is one init for the process, though the package may be loaded more than once: `lastcall/register` and `lastcall` are
 * bundles of their own, and an app may carry a third copy in its bundle.
 */
const KEY = Symbol.for("lastcall.appInit.2");

export function appInit(): AppInit {
	const shared = globalThis as { [KEY]?: AppInit };
	shared[KEY] ??= new AppInit();
	return shared[KEY];
}

export class AppInit {
	/** There is one as soon as there is a stop handler. */
	#sequence: StopSequence | undefined;
	#listening = false;
	#waiting = false;
	#interrupts = 0;

	/**
	 * @param makeSequence Called for the first handler. `lastcall/register` has no code for it: most apps have no use for that.
	 * @throws {UserError} if the handler's name or `after` cannot be.
	 */
	add(handler: StopHandler, makeSequence: () => StopSequence): void {
		const isFirst = !this.#sequence;
		const sequence = this.#sequence ?? makeSequence();
		sequence.add(handler);
		this.#sequence = sequence;
		if (!isFirst) return;
		// An unhandled rejection arrives here, too, unless the app listens to those.
		process.on("uncaughtException", (error, origin) => this.#onUncaught(error, origin));
		this.takeSignals();
	}

	/** From here on SIGTERM and SIGINT are heard, also by PID 1. */
	takeSignals(): void {
		if (this.#listening) return;
		this.#listening = true;
		for (const signal of ["SIGTERM", "SIGINT"] as const) {
			const early = takeOver(signal, () => listenForGood(signal, () => this.#onSignal(signal, false)));
			// Outside PID 1 an early signal has ended the process already; an ignored one is not caught either.
			if (!early || process.pid !== 1) continue;
			// The code that has registered a handler comes to its end first: the handler may use what stands below.
			if (this.#sequence) setImmediate(() => this.#onSignal(signal, true));
			else this.#onSignal(signal, true);
		}
	}

	/** Begins the stop for a reason that is neither a signal nor an error of ours. */
	stop(reason: AppStopReason): void {
		this.#sequence?.request(reason);
	}

	#onSignal(signal: "SIGTERM" | "SIGINT", early: boolean): void {
		const number = constants.signals[signal];
		if (this.#sequence) {
			this.#sequence.request({ type: "signal", signal, number, early });
			if (signal === "SIGINT" && ++this.#interrupts === 2) this.#sequence.hurry();
		} else if (otherListeners(signal) === 0) {
			exitWithin(EXIT_MS, 128 + number, heldAtEnd(128 + number));
		} else this.#waitForAnother();
	}

	/**
	 * A listener of the app may clean up, and send the signal again as its last act. When nothing else is left to do, Node.js would
	 * exit with 0 before it has looked for signals: it gets one more turn of the event loop for that.
	 */
	#waitForAnother(): void {
		if (this.#waiting) return;
		this.#waiting = true;
		process.once("beforeExit", () => setImmediate(() => {}));
	}

	#onUncaught(error: unknown, origin: string): void {
		if (otherListeners("uncaughtException") > 0) return;
		printUncaught(error, origin);
		this.stop({ type: "error", error: errorInfo(error) });
	}
}

/**
 * How many listeners of the process are the app's, beside the one of ours.
 *
 * signal-exit (used by execa, proper-lockfile, npm and many more) listens to every signal while it has something to clean
 * up, and counts itself: it waits for others to decide, just as we do. It is not counted, and cleans up at the exit.
 */
function otherListeners(event: string): number {
	const all = process.listenerCount(event) - 1;
	return event.startsWith("SIG") ? all - signalExitListeners() : all;
}

interface SignalExitEmitter {
	/** Copies of signal-exit that listen. */
	readonly count?: number;
}

function signalExitListeners(): number {
	const { [Symbol.for("signal-exit emitter")]: current } = globalThis as Record<symbol, SignalExitEmitter | undefined>;
	const { __signal_exit_emitter__: before4 } = process as {
		__signal_exit_emitter__?: SignalExitEmitter;
	};
	return (current?.count ?? 0) + (before4?.count ?? 0);
}
