/**
 * Stops the app: its stop handlers one after the other, then the exit, all before the platform's SIGKILL.
 *
 * Invariants:
 * - It runs once, and ends the process whatever the handlers do. A late handler is left behind, a failed one does not stop the
 *   others. When a handler blocks the event loop the guard ends the process, which needs no JavaScript.
 * - The guard's words are true at every moment: they name the handler that is running.
 * - A handler that is registered during the stop, by an app that is still starting, is run, too.
 */

import { attempt, UserError } from "../base/errors.ts";
import { monotonicMs } from "../base/time.ts";
import { findCycle } from "../config/order.ts";
import { type Budget, flushStallMs, planBudget, resolveStopTimeout, type StopTimeout } from "../config/stop-timeout.ts";
import { FunctionJob } from "../job/function.ts";
import { exitWithin, guard as stopGuard } from "../os/signals/guard.ts";
import { EXIT_FAILED, EXIT_KILLED, exitCode } from "../service/exit-code.ts";
import { Deadline } from "../supervisor/deadline.ts";
import type { JobStop, StopReason } from "../supervisor/events.ts";
import { stopJob } from "../supervisor/stop.ts";
import * as report from "./messages.ts";

/** Why the app stops: a signal, an uncaught error, or the end of an essential job of `startJobs()`. */
export type AppStopReason = Exclude<StopReason, { type: "idle" }>;

/** What a stop handler is called with. */
export interface StopContext {
	/** The time this handler has: until its own timeout or the deadline of the whole stop, whichever comes first. */
	readonly deadline: {
		/** Milliseconds left; never negative. */
		readonly remainingMs: number;
	};
	/** Aborted at that deadline. Pass it to whatever takes an AbortSignal. */
	readonly signal: AbortSignal;
	/** `{type: "signal", signal: "SIGTERM", number: 15, early: false}`, `{type: "error", error: {name, message, stack}}`, or `{type: "job", job, exit}`. */
	readonly reason: AppStopReason;
}

export interface StopHandler {
	readonly name: string;
	readonly run: (context: StopContext) => unknown;
	/** Milliseconds; may be infinite. */
	readonly timeoutMs: number;
	/** Handlers that have to be done before this one is run. */
	readonly after: readonly string[];
}

export interface StopBudget extends Budget {
	/** Where the stop timeout comes from, in words. */
	readonly source: StopTimeout["source"];
}

/**
 * The stop timeout of an app: `LASTCALL_STOP_TIMEOUT`, else the platform's default.
 *
 * @throws {UserError} if the variable holds no duration.
 */
export function resolveBudget(env = process.env): StopBudget {
	const { ms, source } = resolveStopTimeout(undefined, env, undefined);
	return { ...planBudget(ms), source };
}

/** For exit listeners, and for threads to end. */
const EXIT_MS = 500;

export class StopSequence {
	/** Handlers that have not been run, in the order of registration. */
	readonly #handlers: StopHandler[] = [];
	readonly #deadline = new Deadline();
	#requested = false;
	#hurried = false;
	#hadErrors = false;

	/** @throws {UserError} if the name is taken, or `after` leads back to the handler itself. */
	add(handler: StopHandler): void {
		checkOrder([handler, ...this.#handlers], handler.name);
		this.#handlers.push(handler);
	}

	/** The first request begins the stop. A later error counts for the exit code. */
	request(reason: AppStopReason): void {
		if (reason.type === "error") this.#hadErrors = true;
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
		this.#hurried = true;
		this.#deadline.expire();
	}

	async #run(reason: AppStopReason): Promise<void> {
		const start = monotonicMs();
		// A variable that is wrong was told of at the registration.
		const budget = attempt(resolveBudget) ?? resolveBudget({});
		const { jobsMs, totalMs, flushMs } = budget;
		this.#deadline.bringTo(jobsMs);
		const reserveMs = totalMs - jobsMs;
		const guard = stopGuard();
		guard?.say(report.heldAtEnd(EXIT_KILLED), EXIT_KILLED);
		// Half of the reserve: the process ends by itself if it can, and the platform's SIGKILL is still some way off.
		guard?.arm(jobsMs + reserveMs * 0.5, reserveMs * 0.35, reserveMs * 0.5);
		report.unknown(unknownNames(this.#handlers));

		const stops: JobStop[] = [];
		// A timer may fire a fraction of a millisecond before its time.
		while (this.#deadline.remainingMs >= 1) {
			const handler = takeNext(this.#handlers);
			if (!handler) break;
			const words = report.blocked(handler.name, this.#handlers, budget);
			guard?.say(words, EXIT_KILLED);
			stops.push(await this.#stop(handler, reason, budget));
		}
		const isLate = this.#handlers.length > 0;
		if (isLate) report.notRun(this.#handlers);
		guard?.say(report.heldAtEnd(EXIT_KILLED), EXIT_KILLED);
		const maxMs = Math.max(this.#deadline.remainingMs, flushMs);
		await report.flushOutput(flushStallMs(budget, maxMs), maxMs);
		// What the app has set itself counts unless something went wrong.
		const code =
			exitCode({ type: "idle" }, stops, {
				stragglersForced: isLate,
				hadErrors: this.#hadErrors,
			}) || Number(process.exitCode ?? 0);
		if (code === EXIT_KILLED) report.stoppedLate(reason, monotonicMs() - start, budget);
		exitWithin(EXIT_MS, code, report.heldAtEnd(code));
	}

	/** A stop handler is a job that is stopped by being called. */
	async #stop({ name, run, timeoutMs }: StopHandler, reason: AppStopReason, budget: Budget): Promise<JobStop> {
		const end = monotonicMs() + timeoutMs;
		const left = () => Math.min(end - monotonicMs(), this.#deadline.remainingMs);
		const job = new FunctionJob(name, async (signal) => {
			const deadline = {
				get remainingMs() {
					return signal.aborted ? 0 : Math.max(0, left());
				},
			};
			try {
				await run({ deadline, signal, reason });
			} catch (error) {
				report.failed(name, error);
				throw error;
			}
		});
		const terms = {
			stopTimeoutMs: timeoutMs,
			deadline: this.#deadline,
			budget,
		};
		const { exit, tookMs, killed } = await stopJob(job, terms, () => {});
		if (killed) report.late(name, killed.waitedMs, this.#hurried);
		return { job: name, exit, tookMs };
	}
}

/** Takes the handler that is to run next out of the list: the last registered of those that wait for no other. */
export function takeNext(handlers: StopHandler[]): StopHandler | undefined {
	const names = new Set(handlers.map(({ name }) => name));
	const index = handlers.findLastIndex(({ after }) => after.every((name) => !names.has(name)));
	return index === -1 ? undefined : handlers.splice(index, 1)[0];
}

function checkOrder(handlers: readonly StopHandler[], added: string): void {
	const after = new Map(handlers.map((handler) => [handler.name, handler.after]));
	if (after.size < handlers.length)
		throw new UserError(
			`Cannot register stop handler "${added}": there is one of that name already, expected another name`,
		);
	const cycle = findCycle(after);
	if (cycle)
		throw new UserError(
			`Cannot register stop handler "${added}": found a cycle in "after" (${cycle.map((name) => `"${name}"`).join(" after ")}), expected none`,
		);
}

/** Names in `after` that no handler has: misspelt, or never registered. */
function unknownNames(handlers: readonly StopHandler[]): string[] {
	const names = new Set(handlers.map(({ name }) => name));
	return handlers.flatMap(({ after }) => after).filter((name) => !names.has(name));
}
