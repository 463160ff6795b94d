import { monotonicMs } from "../clock.ts";
import type { StopReason } from "../events.ts";

/** Why the app stops: a signal, an uncaught error, or the end of an essential job of `startJobs()`. */
export type AppStopReason = Exclude<StopReason, { type: "idle" }>;

/** What a stop handler is called with. */
export interface StopContext {
	/** The time this handler has: until its own timeout or the whole stop's deadline, whichever comes first. */
	readonly deadline: {
		/** Milliseconds left; never negative. */
		readonly remainingMs: number;
	};
	/** Aborted at the deadline. Pass it to whatever takes one. */
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

/** What a handler made of the stop. */
export type HandlerExit =
	| { readonly outcome: "finished" }
	| { readonly outcome: "failed"; readonly error: unknown }
	/** It was left running when its time was over. */
	| { readonly outcome: "late"; readonly waitedMs: number };

/**
 * Runs one handler, `ms` milliseconds and until `now` is aborted at the most.
 * Then looks once more after a turn of the event loop: after a handler that blocked it, timers run before anything else.
 */
export async function runHandler(
	handler: StopHandler,
	reason: AppStopReason,
	ms: number,
	now: AbortSignal,
): Promise<HandlerExit> {
	const start = monotonicMs();
	const late = new AbortController();
	const signal = AbortSignal.any([late.signal, now]);
	const over = new Promise<void>((resolve) => {
		if (signal.aborted) resolve();
		signal.addEventListener("abort", () => resolve());
	});
	// Not unref'ed: while a handler runs the process stays.
	const timer = setTimeout(() => late.abort(), ms);
	const deadline = {
		get remainingMs() {
			if (signal.aborted) return 0;
			return Math.max(0, start + ms - monotonicMs());
		},
	};
	let exit: HandlerExit | undefined;
	const call = async () => handler.run({ deadline, signal, reason });
	const done = call().then(
		() => {
			exit = { outcome: "finished" };
		},
		(error: unknown) => {
			exit = { outcome: "failed", error };
		},
	);
	await Promise.race([done, over]);
	clearTimeout(timer);
	if (!exit) await new Promise(setImmediate);
	return exit ?? { outcome: "late", waitedMs: monotonicMs() - start };
}
