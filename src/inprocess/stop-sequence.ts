/**
 * Stops the app: its stop handlers one after another, then the exit, all before the platform's SIGKILL.
 *
 * Invariants:
 * - The sequence runs once, and ends the process whatever the handlers do. It does not wait for a late handler, and
 *   goes on after a failed one. If a handler blocks the event loop, the guard ends the process without any JavaScript.
 *   Only without foreign functions there is no guard.
 * - The guard's message is true at every moment: it names the handler that is running.
 * - A handler that is registered while others are still running runs, too: the app may still be starting.
 */
import { attempt, UserError } from "../base/errors.ts";
import { monotonicMs } from "../base/time.ts";
import { findCycle } from "../config/order.ts";
import { type Budget, flushStallMs, planBudget, resolveStopTimeout, type StopTimeout } from "../config/stop-timeout.ts";
import { FunctionJob } from "../job/function.ts";
import { exitGuarded, guard as stopGuard } from "../os/signals/guard.ts";
import { EXIT_FAILED, EXIT_KILLED, exitCode } from "../service/exit.ts";
import type { JobStop, StopReason } from "../supervisor/events.ts";
import { Deadline, stopJob } from "../supervisor/stop.ts";
import * as messages from "./messages.ts";

/** Why the app stops: a signal, an uncaught error, or the end of an essential job of `startJobs()`. */
export type AppStopReason = Exclude<StopReason, { type: "idle" }>;

/** Argument of a stop handler. */
export interface StopContext {
	/** The end of this handler's time: its own timeout or the deadline of the whole stop, whichever comes first. */
	readonly deadline: {
		/** Milliseconds left, never negative. */
		readonly remainingMs: number;
	};
	/** Aborted at the deadline. Pass it to every function that takes an AbortSignal. */
	readonly signal: AbortSignal;
	/**
	 * `{type: "signal", signal: "SIGTERM", number: 15, early: false}`, `{type: "error", error: {name, message, stack}}`,
	 * or `{type: "job", job, exit}`.
	 */
	readonly reason: AppStopReason;
}

export interface StopHandler {
	readonly name: string;
	readonly run: (context: StopContext) => unknown;
	/** May be infinite. */
	readonly timeoutMs: number;
	/** Names of handlers that must be finished before this one runs. */
	readonly after: readonly string[];
}

type StopBudget = Budget & Pick<StopTimeout, "source">;

/**
 * Plans the stop timeout of an app: `LASTCALL_STOP_TIMEOUT`, else the platform's default.
 *
 * @throws {UserError} if the variable is not a duration.
 */
export function resolveBudget(env = process.env): StopBudget {
	const { ms, source } = resolveStopTimeout(undefined, env, undefined);
	return { ...planBudget(ms), source };
}

/** Time for exit listeners and threads at the exit. */
const EXIT_MS = 500;

export class StopSequence {
	/** Handlers that have not run yet, in the order of registration. */
	readonly #handlers: StopHandler[] = [];
	readonly #deadline = new Deadline();
	#requested = false;
	/** Whether a second SIGINT came. */
	#interrupted = false;
	#hadErrors = false;

	/** @throws {UserError} if the name is taken, or `after` makes a cycle. */
	add(handler: StopHandler): void {
		checkOrder([handler, ...this.#handlers], handler.name);
		this.#handlers.push(handler);
	}

	/** The first request starts the stop. A later error only counts for the exit code. */
	request(reason: AppStopReason): void {
		if (reason.type === "error") this.#hadErrors = true;
		if (this.#requested) return;
		this.#requested = true;
		this.#run(reason).catch((error) => {
			// A bug of ours must not keep the process alive.
			messages.printUncaught(error, "the stop");
			exitGuarded(EXIT_MS, EXIT_FAILED, messages.heldAtEnd(EXIT_FAILED));
		});
	}

	/** Sets the deadline to now. */
	stopNow(): void {
		this.#interrupted = true;
		this.#deadline.bringTo(0);
	}

	async #run(reason: AppStopReason): Promise<void> {
		const start = monotonicMs();
		// onStop() has already reported a wrong variable.
		const budget = attempt(resolveBudget) ?? resolveBudget({});
		const { jobsMs, totalMs, flushMs } = budget;
		this.#deadline.bringTo(jobsMs);
		const reserveMs = totalMs - jobsMs;
		const guard = stopGuard();
		guard?.say(messages.heldAtEnd(EXIT_KILLED), EXIT_KILLED);
		// The exit comes in the middle of the reserve: the process can end by itself before, and the platform's SIGKILL
		// comes after. The message comes 0.35 of the reserve earlier: that is enough even on a busy machine. After a freeze
		// of the container the process has most of half a reserve once more.
		guard?.arm(jobsMs + reserveMs * 0.5, reserveMs * 0.35, reserveMs * 0.5);
		messages.printUnknown(unknownNames(this.#handlers));

		const stops: JobStop[] = [];
		// At least 1: a timer may fire a fraction of a millisecond early.
		while (this.#deadline.remainingMs >= 1) {
			const handler = takeNext(this.#handlers);
			if (!handler) break;
			guard?.say(messages.blocked(handler.name, this.#handlers, budget), EXIT_KILLED);
			stops.push(await this.#stop(handler, reason, budget));
		}
		const isLate = this.#handlers.length > 0;
		if (isLate) messages.printNotRun(this.#handlers);
		guard?.say(messages.heldAtEnd(EXIT_KILLED), EXIT_KILLED);
		// A second SIGINT is about the handlers: the output has its time all the same.
		const maxMs = Math.max(jobsMs - (monotonicMs() - start), flushMs);
		await messages.flushOutput(flushStallMs(budget, maxMs), maxMs);
		const circumstances = { stragglersForced: isLate, hadErrors: this.#hadErrors };
		// "idle": every handler's exit counts alike. A handler that did not run counts as if it had been killed.
		const failure = exitCode({ type: "idle" }, stops, circumstances);
		const code = failure || Number(process.exitCode ?? 0);
		if (code === EXIT_KILLED) messages.printStoppedLate(reason, monotonicMs() - start, budget);
		exitGuarded(EXIT_MS, code, messages.heldAtEnd(code));
	}

	/** Runs a handler as a job: to ask the job to stop is to call the handler. "Killed" means abandoned when late. */
	async #stop({ name, run, timeoutMs }: StopHandler, reason: AppStopReason, budget: Budget): Promise<JobStop> {
		const end = monotonicMs() + timeoutMs;
		const left = () => Math.max(0, Math.min(end - monotonicMs(), this.#deadline.remainingMs));
		let thrown: unknown;
		const job = new FunctionJob(name, async (signal) => {
			const deadline = {
				get remainingMs() {
					return signal.aborted ? 0 : left();
				},
			};
			try {
				await run({ deadline, signal, reason });
			} catch (error) {
				thrown = error;
				throw error;
			}
		});
		const terms = { stopTimeoutMs: timeoutMs, deadline: this.#deadline, budget };
		const { exit, tookMs, killed } = await stopJob(job, terms, () => {});
		if (exit.outcome === "failed") messages.printFailed(name, thrown);
		// A handler that ends because its signal was aborted was not late.
		if (exit.outcome === "killed") messages.printLate(name, killed?.waitedMs ?? tookMs, this.#interrupted);
		return { job: name, exit, tookMs };
	}
}

/** Removes the handler that runs next from the list: the last registered one that waits for no other. */
function takeNext(handlers: StopHandler[]): StopHandler | undefined {
	const names = new Set(handlers.map(({ name }) => name));
	const index = handlers.findLastIndex(({ after }) => after.every((name) => !names.has(name)));
	return index === -1 ? undefined : handlers.splice(index, 1)[0];
}

function checkOrder(handlers: readonly StopHandler[], added: string): void {
	const after = new Map(handlers.map((handler) => [handler.name, handler.after]));
	const attempted = `Cannot register stop handler "${added}"`;
	if (after.size < handlers.length)
		throw new UserError(`${attempted}: there is one of that name already, expected another name`);
	const cycle = findCycle(after)?.map((name) => `"${name}"`);
	if (cycle) throw new UserError(`${attempted}: found a cycle in "after" (${cycle.join(" after ")}), expected none`);
}

/** Names in `after` that no handler has: misspelt, or not registered. */
function unknownNames(handlers: readonly StopHandler[]): string[] {
	const names = new Set(handlers.map(({ name }) => name));
	return handlers.flatMap(({ after }) => after).filter((name) => !names.has(name));
}
