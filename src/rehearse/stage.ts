/** Where a rehearsal takes place: the common interface of a namespace, a subreaper and a Docker engine. */
import type { Look } from "./look.ts";
import type { Output } from "./output.ts";

export interface Stage {
	readonly kind: "namespace" | "subreaper" | "container";
	/** The program, configuration or image, as its user would write it. */
	readonly subject: string;
	/** How the stage runs the subject, for people: `as PID 1 of a new PID namespace`. */
	readonly how: string;
	/** What this stage cannot show, for people. */
	readonly limits: readonly string[];
	readonly signal: NodeJS.Signals;
	/** @throws {UserError} if nothing can be started. */
	start(): Promise<Actor>;
	/** Removes the files that all runs share. */
	close(): Promise<void>;
}

/** How the first process of a run has ended. */
export interface Ended {
	/** 128 + the number of the signal that ended it. */
	readonly code: number;
	/** The time of the end: monotonicMs(). */
	readonly at: number;
}

/** One run. Disposing of it ends its remaining processes. */
export interface Actor extends AsyncDisposable {
	/** The time of the start: monotonicMs(). */
	readonly startedAt: number;
	readonly output: Output;
	/** Settles when the first process has ended; never rejects. */
	readonly ended: Promise<Ended>;
	/** Whether {@link look} is exact, and cheap enough to be called all the time. */
	readonly isVisible: boolean;
	/** `undefined` if the processes cannot be seen. */
	look(): Promise<Look | undefined>;
	/** Sends the stop signal. Returns the time: monotonicMs(). */
	stop(): Promise<number>;
	/** Ends the run by SIGKILL, as the platform does after the stop timeout. */
	kill(): Promise<void>;
	/** The commands of the processes that have outlived the first one. */
	leftBehind(): string[];
	/** The times of the run by a more exact clock, if there is one. */
	measure?(): Promise<{ readonly signalledAfterMs: number; readonly stopMs: number } | undefined>;
}
