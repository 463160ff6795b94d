/**
 * Stops the app: its handlers one after the other, then the exit, all before the platform's SIGKILL.
 *
 * Invariants:
 * - It runs once, and ends the process whatever the handlers do: a late one is left behind, one that fails does not stop the
 *   others, one that blocks the event loop is ended with the process by the guard, which needs no JavaScript.
 * - The guard's words are true at every moment, as nobody may come to change them: they name the handler that is running.
 * - A handler that is registered meanwhile, by an app that is still starting, is run, too.
 */
import { monotonicMs } from "../clock.ts";
import { exitWithin, guard as stopGuard } from "../os/guard.ts";
import { flushStallMs } from "../supervisor/budget.ts";
import { EXIT_FAILED, EXIT_KILLED } from "../supervisor/exit-code.ts";
import { stopBudget } from "./budget.ts";
import { flushOutput } from "./flush.ts";
import * as report from "./report.ts";
import {
	type AppStopReason,
	type HandlerExit,
	runHandler,
	type StopHandler,
} from "./stop-handler.ts";
import { checkOrder, takeNext, unknownNames } from "./stop-order.ts";

/** For exit listeners, and for threads to end. */
const EXIT_MS = 500;

export class StopSequence {
	/** Those that have not been run, in the order of registration. */
	readonly #handlers: StopHandler[] = [];
	readonly #now = new AbortController();
	#hasHandlers = false;
	#requested = false;
	#anyLate = false;
	#anyFailed = false;

	/** Whether there has ever been one. */
	get hasHandlers(): boolean {
		return this.#hasHandlers;
	}

	/** @throws {UserError} if its name or `after` cannot be. */
	add(handler: StopHandler): void {
		checkOrder(this.#handlers, handler);
		this.#handlers.push(handler);
		this.#hasHandlers = true;
	}

	/** The first request begins the stop; of a later one only an error counts: the exit code will tell. */
	request(reason: AppStopReason): void {
		if (reason.type === "error") this.#anyFailed = true;
		if (this.#requested) return;
		this.#requested = true;
		this.#run(reason).catch((error) => {
			// A bug of ours must not keep the process here.
			report.printUncaught(error, "the stop");
			exitWithin(EXIT_MS, EXIT_FAILED, report.heldAtEnd(EXIT_FAILED));
		});
	}

	/** The deadline is now. */
	hurry(): void {
		this.#now.abort();
	}

	async #run(reason: AppStopReason): Promise<void> {
		const start = monotonicMs();
		const budget = stopBudget();
		const elapsed = () => monotonicMs() - start;
		// Half of the reserve: we come first if we can, and the platform's SIGKILL is still some way off.
		const reserve = budget.totalMs - budget.jobsMs;
		const guard = stopGuard();
		guard?.say(report.heldAtEnd(EXIT_KILLED), EXIT_KILLED);
		guard?.arm(budget.jobsMs + reserve * 0.5, reserve * 0.35, reserve * 0.5);
		const missing = unknownNames(this.#handlers);
		if (missing.length > 0) report.unknown(missing);

		while (!this.#now.signal.aborted) {
			// A timer may fire a fraction of a millisecond before its time.
			if (budget.jobsMs - elapsed() < 1) break;
			const handler = takeNext(this.#handlers);
			if (!handler) break;
			const words = report.blocked(handler.name, this.#handlers, budget);
			guard?.say(words, EXIT_KILLED);
			const left = Math.max(budget.jobsMs - elapsed(), 0);
			const ms = Math.min(handler.timeoutMs, left);
			this.#take(
				handler.name,
				await runHandler(handler, reason, ms, this.#now.signal),
			);
		}
		if (this.#handlers.length > 0) {
			this.#anyLate = true;
			report.notRun(this.#handlers);
		}
		guard?.say(report.heldAtEnd(EXIT_KILLED), EXIT_KILLED);
		const maxMs = Math.max(budget.jobsMs - elapsed(), budget.flushMs);
		await flushOutput(flushStallMs(budget, maxMs), maxMs);
		const code = this.#exitCode();
		if (code === EXIT_KILLED) report.stoppedLate(reason, elapsed(), budget);
		exitWithin(EXIT_MS, code, report.heldAtEnd(code));
	}

	#take(name: string, exit: HandlerExit): void {
		if (exit.outcome === "late") this.#anyLate = true;
		if (exit.outcome === "failed") this.#anyFailed = true;
		report.handlerExit(name, exit, this.#now.signal.aborted);
	}

	/** What the app has set itself counts unless something went wrong. */
	#exitCode(): number {
		if (this.#anyLate) return EXIT_KILLED;
		if (this.#anyFailed) return EXIT_FAILED;
		return Number(process.exitCode ?? 0);
	}
}
