/** Where a rehearsal takes place: what a namespace, a subreaper and a Docker engine have in common. */
import type { Look } from "./look.ts";
import type { Output } from "./output.ts";

export interface Stage {
	readonly kind: "namespace" | "subreaper" | "container";
	/** What is run, as its user would write it. */
	readonly subject: string;
	/** How it is run, for people: `as PID 1 of a new PID namespace`. */
	readonly how: string;
	/** What this stage cannot show, for people. */
	readonly limits: readonly string[];
	readonly signal: NodeJS.Signals;
	/** @throws {UserError} if nothing can be started. */
	start(): Promise<Actor>;
	/** Removes what all runs have shared. */
	close(): Promise<void>;
}

/** How the first process of a run has ended. */
export interface Ended {
	/** 128 + the number of the signal that ended it. */
	readonly code: number;
	/** When: monotonicMs(). */
	readonly at: number;
}

/** One run. Disposing of it ends whatever is left of it. */
export interface Actor extends AsyncDisposable {
	/** When it was started: monotonicMs(). */
	readonly startedAt: number;
	readonly output: Output;
	/** Settles when the first process has ended; never rejects. */
	readonly ended: Promise<Ended>;
	/** Whether {@link look} is cheap, and so exact that it can be called all the time. */
	readonly isVisible: boolean;
	/** `undefined` if nothing can be seen. */
	look(): Promise<Look | undefined>;
	/** Sends the stop signal. Returns when that was. */
	stop(): Promise<number>;
	/** Ends it by SIGKILL, as the platform does when the stop timeout has passed. */
	kill(): Promise<void>;
	/** Processes that the end of the first one has left behind. */
	leftBehind(): string[];
	/** The same times by a more exact clock, if there is one. */
	measure?(): Promise<{ readonly signalledAfterMs: number; readonly stopMs: number } | undefined>;
}
