/**
 * Who decides about the end of the app: its own listeners, its stop handlers, or the default.
 *
 * Invariants:
 * - Signals are taken only as PID 1 or when a stop handler is there. Elsewhere they stay Node.js's and the kernel's.
 * - Without stop handlers a listener of the app decides, and we do nothing; without that too the default is what it is for every
 *   process but PID 1: the end, with 128 + n.
 * - The same for an uncaught exception: only stop handlers make us listen, and a listener of the app goes first.
 * - Our listeners stay, even if others take them off: as PID 1 the signal would be ignored again. So an app that cleans up, takes off its
 *   own listener and sends itself the signal again ends as it expects.
 */
import { constants } from "node:os";
import { errorInfo } from "../errors.ts";
import { takeOver } from "../os/early-signal.ts";
import { exitWithin } from "../os/guard.ts";
import { listenForGood } from "../os/listen.ts";
import { otherListeners } from "./listeners.ts";
import { heldAtEnd, printUncaught } from "./report.ts";
import type { AppStopReason, StopHandler } from "./stop-handler.ts";
import { StopSequence } from "./stop-sequence.ts";

/** For exit listeners and threads, when there is nothing to stop. */
const EXIT_MS = 1_000;

export class AppInit {
	readonly #sequence = new StopSequence();
	#listening = false;
	#waiting = false;
	#interrupts = 0;

	/** @throws {UserError} if its name or `after` cannot be. */
	add(handler: StopHandler): void {
		const isFirst = !this.#sequence.hasHandlers;
		this.#sequence.add(handler);
		if (!isFirst) return;
		// An unhandled rejection comes here, too, unless the app listens to those.
		process.on("uncaughtException", (error, origin) =>
			this.#onUncaught(error, origin),
		);
		this.takeSignals();
	}

	/** From here on SIGTERM and SIGINT are heard, also by PID 1. */
	takeSignals(): void {
		if (this.#listening) return;
		this.#listening = true;
		for (const signal of ["SIGTERM", "SIGINT"] as const) {
			const early = takeOver(signal, () =>
				listenForGood(signal, () => this.#onSignal(signal, false)),
			);
			// Outside PID 1 an early signal has ended the process already; an ignored one is not caught either.
			if (!early || process.pid !== 1) continue;
			// The code that has registered a handler has to come to its end first: the handler may use what stands below.
			if (this.#sequence.hasHandlers)
				setImmediate(() => this.#onSignal(signal, true));
			else this.#onSignal(signal, true);
		}
	}

	/** Begins the stop for a reason that is neither a signal nor an error of ours. */
	stop(reason: AppStopReason): void {
		this.#sequence.request(reason);
	}

	#onSignal(signal: "SIGTERM" | "SIGINT", early: boolean): void {
		const number = constants.signals[signal];
		if (this.#sequence.hasHandlers) {
			this.#sequence.request({ type: "signal", signal, number, early });
			if (signal === "SIGINT" && ++this.#interrupts === 2)
				this.#sequence.hurry();
		} else if (otherListeners(signal) === 0) {
			exitWithin(EXIT_MS, 128 + number, heldAtEnd(128 + number));
		} else this.#waitForAnother();
	}

	/**
	 * A listener of the app may clean up, and send the signal again as its last deed. When nothing else is left to do, Node.js would
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
		this.#sequence.request({ type: "error", error: errorInfo(error) });
	}
}
