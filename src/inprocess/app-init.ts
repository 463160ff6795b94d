/**
 * Decides what ends the app on a signal or an uncaught error: stop handlers, the app's own listeners, or the default.
 *
 * Invariants:
 * - SIGTERM and SIGINT are taken only by PID 1, or when there is a stop handler.
 * - Without stop handlers a listener of the app decides. Without a listener, too, the process ends with 128 + n, as
 *   every process but PID 1 does by default.
 * - An uncaught error is caught only if there are stop handlers, and a listener of the app overrides them.
 * - Our listeners come back when the app removes them: otherwise PID 1 would ignore the signal again. So an app that
 *   cleans up, removes its own listener and sends itself the signal again ends as it expects.
 */
import { constants } from "node:os";
import { errorInfo } from "../base/errors.ts";
import { secondPress } from "../base/time.ts";
import { exitGuarded } from "../os/signals/guard.ts";
import { listenForGood, takeOver } from "../os/signals/listen.ts";
import { heldAtEnd, printUncaught } from "./messages.ts";
import type { AppStopReason, StopHandler, StopSequence } from "./stop-sequence.ts";

/** Time for exit listeners and threads when there is nothing to stop. */
const EXIT_MS = 1_000;

/**
 * Key of the process's one init. `lastcall/register` and `lastcall` are separate bundles, and the app's own bundle may
 * contain a third copy.
 */
const KEY = Symbol.for("lastcall.appInit.2");

export function appInit(): AppInit {
	const shared = globalThis as { [KEY]?: AppInit };
	shared[KEY] ??= new AppInit();
	return shared[KEY];
}

export class AppInit {
	/** Exists from the first stop handler on. */
	#sequence: StopSequence | undefined;
	#listening = false;
	#waiting = false;
	readonly #isSecondPress = secondPress();

	/**
	 * @param makeSequence Called for the first handler. `lastcall/register` does not contain its code.
	 * @throws {UserError} if the handler's name is taken, or its `after` makes a cycle.
	 */
	add(handler: StopHandler, makeSequence: () => StopSequence): void {
		const sequence = this.#sequence ?? makeSequence();
		sequence.add(handler);
		if (this.#sequence) return;
		this.#sequence = sequence;
		// Unhandled rejections arrive here, too, unless the app listens for them.
		process.on("uncaughtException", (error, origin) => {
			if (otherListeners("uncaughtException") > 0) return;
			printUncaught(error, origin);
			this.stop({ type: "error", error: errorInfo(error) });
		});
		this.takeSignals();
	}

	/** Listens for SIGTERM and SIGINT. PID 1 also notices a signal that came before. */
	takeSignals(): void {
		if (this.#listening) return;
		this.#listening = true;
		for (const signal of ["SIGTERM", "SIGINT"] as const) {
			const early = takeOver(signal, () => listenForGood(signal, () => this.#onSignal(signal, false)));
			if (!early) continue;
			// The code that registers a handler must finish first: the handler may use variables that follow it.
			if (this.#sequence) setImmediate(() => this.#onSignal(signal, true));
			else this.#onSignal(signal, true);
		}
	}

	/** Starts the stop, if there are stop handlers. */
	stop(reason: AppStopReason): void {
		this.#sequence?.request(reason);
	}

	#onSignal(signal: "SIGTERM" | "SIGINT", early: boolean): void {
		const number = constants.signals[signal];
		if (this.#sequence) {
			this.stop({ type: "signal", signal, number, early });
			if (signal === "SIGINT" && this.#isSecondPress()) this.#sequence.stopNow();
		} else if (otherListeners(signal) === 0) {
			exitGuarded(EXIT_MS, 128 + number, heldAtEnd(128 + number));
		} else if (!this.#waiting) {
			// The app's listener may send the signal again as its last act. With nothing else to do Node.js would exit
			// with 0 before it receives the signal. So the event loop gets one more turn.
			this.#waiting = true;
			process.once("beforeExit", () => setImmediate(() => {}));
		}
	}
}

/**
 * Number of the app's own listeners. Those of signal-exit (used by execa, npm and many more) do not count: it decides
 * nothing, and cleans up at the exit. Its versions 3 and 4 publish how many copies listen.
 */
function otherListeners(event: string): number {
	const all = process.listenerCount(event) - 1;
	if (!event.startsWith("SIG")) return all;
	type Emitter = { readonly count?: number } | undefined;
	const { [Symbol.for("signal-exit emitter")]: version4 } = globalThis as Record<symbol, Emitter>;
	const { __signal_exit_emitter__: version3 } = process as { __signal_exit_emitter__?: Emitter };
	return all - (version4?.count ?? 0) - (version3?.count ?? 0);
}
