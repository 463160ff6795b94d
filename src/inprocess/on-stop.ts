/** `onStop()`: registers what an app has to finish before it ends. */
import { UserError } from "../base/errors.ts";
import { inWorkerThread } from "../base/in-worker.ts";
import { readDuration } from "../base/time.ts";
import type { Duration } from "../config/config.ts";
import { appInit } from "./app-init.ts";
import { resolveBudget, type StopContext, StopSequence } from "./stop-sequence.ts";

export interface OnStopOptions {
	/**
	 * How long this handler may take; the whole stop's deadline may give it less. When it is over the next one is run, and the exit
	 * code will be 124.
	 *
	 * @default until the deadline
	 */
	timeout?: Duration;
	/**
	 * Run this handler only after these others, by name.
	 *
	 * @default after all that are registered later
	 */
	after?: string | readonly string[];
}

/**
 * Registers what the app has to finish before it goes: on SIGTERM, SIGINT, an uncaught error or an unhandled rejection.
 *
 * Handlers run one after the other, the last registered first: what was opened last is closed first. Then the process exits: with 0
 * (or `process.exitCode`), with 1 if a handler failed or an error began the stop, with 124 if a handler was late; that one is named
 * on standard error. A second SIGINT makes the deadline now.
 *
 * The deadline: the stop timeout (`LASTCALL_STOP_TIMEOUT`, else the platform's default) less half a second to a second.
 *
 * @param name Says which handler was late; unique.
 * @param handler Called once, with the time it has. Resolve when everything is finished.
 * @throws {UserError} if the name is taken, a duration is none, `after` goes in a circle, or this is a worker thread.
 */
export function onStop(name: string, handler: (context: StopContext) => unknown, options: OnStopOptions = {}): void {
	if (inWorkerThread()) {
		throw new UserError(
			`Cannot register stop handler "${name}" in a worker thread: signals reach the main thread only, so call onStop() there`,
		);
	}
	// A mistake in the environment is to be found now, and not at the stop.
	resolveBudget();
	const { timeout, after = [] } = options;
	const timeoutMs = readDuration(`"timeout" of stop handler "${name}"`, timeout);
	const added = {
		name,
		run: handler,
		timeoutMs: timeoutMs ?? Number.POSITIVE_INFINITY,
		after: typeof after === "string" ? [after] : after,
	};
	appInit().add(added, () => new StopSequence());
}
