/** `onStop()`: registers work that an app has to finish before it ends. */
import { UserError } from "../base/errors.ts";
import { readDuration } from "../base/time.ts";
import { inWorkerThread } from "../base/versions.ts";
import type { Duration } from "../config/config.ts";
import { appInit } from "./app-init.ts";
import { resolveBudget, type StopContext, StopSequence } from "./stop-sequence.ts";

export interface OnStopOptions {
	/**
	 * How long this handler may take, such as `"5s"`. The deadline of the whole stop may come first. After this time the
	 * next handler runs, and the exit code is 124.
	 *
	 * @default until the deadline of the whole stop
	 */
	timeout?: Duration;
	/**
	 * Names of handlers that must be finished before this one runs.
	 *
	 * @default none: only the order of registration counts
	 */
	after?: string | readonly string[];
}

/**
 * Registers work that the app has to finish before it ends on SIGTERM, SIGINT, an uncaught error or an unhandled
 * rejection.
 *
 * Handlers run one after another, the last registered first: what was opened last is closed first. Then the process
 * exits with `process.exitCode` or 0; with 1 if a handler failed or an error began the stop; with 124 if a handler was
 * late. A line on standard error names each handler that failed or was late.
 *
 * All handlers together have the stop timeout less half a second to a second. The stop timeout is
 * `LASTCALL_STOP_TIMEOUT`, else the platform's default: 10 s in Docker, 30 s in Kubernetes. A second SIGINT sets the
 * deadline to now.
 *
 * @param name A unique name, for messages and for `after`.
 * @param handler Called once. The next handler runs when the returned promise has settled.
 * @throws {UserError} in a worker thread; if the name is taken; if `timeout` or `LASTCALL_STOP_TIMEOUT` is not a
 * duration; if `after` makes a cycle.
 */
export function onStop(name: string, handler: (context: StopContext) => unknown, options: OnStopOptions = {}): void {
	if (inWorkerThread())
		throw new UserError(
			`Cannot register stop handler "${name}" in a worker thread: signals reach the main thread only, so call onStop() there`,
		);
	// Finds a mistake in the environment now, not at the stop.
	resolveBudget();
	const { timeout, after = [] } = options;
	const timeoutMs = readDuration(`"timeout" of stop handler "${name}"`, timeout) ?? Number.POSITIVE_INFINITY;
	const added = { name, run: handler, timeoutMs, after: typeof after === "string" ? [after] : after };
	appInit().add(added, () => new StopSequence());
}
