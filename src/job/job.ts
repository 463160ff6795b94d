import type { ErrorInfo } from "../errors.ts";

/**
 * How a job ended. `killed` and `stuck` are the init's doing, all others the job's own.
 *
 * - `finished`: it returned, or ended with code 0
 * - `failed`: it threw, or left a rejection or an exception unhandled
 * - `exited`: it called `process.exit(code)`
 * - `out-of-memory`: it reached its `resourceLimits`
 * - `not-started`: its file could not be loaded, or no thread could be made
 * - `killed`: it had not joined in time and was ended by force; its clean shutdown code did not run, or not to its end
 * - `stuck`: killed, and still there: it is in native code, which nothing can interrupt
 */
export type JobExit =
	| { readonly outcome: "finished" | "killed" | "stuck" }
	| { readonly outcome: "exited"; readonly code: number }
	| {
			readonly outcome: "failed" | "out-of-memory" | "not-started";
			readonly error: ErrorInfo;
	  };

/** One run of a job, whatever it is made of. */
export interface Job {
	readonly name: string;
	/** Thread id. 0 before start, and if the start failed. */
	readonly id: number;
	/** Settles once when the job is gone, never rejects. To join is to await it. */
	readonly exited: Promise<JobExit>;
	/** Starts it. Never throws: a failure is an exit. */
	start(): void;
	/** Asks: raises the flag. Once is enough, more does no harm. */
	requestStop(): void;
	/** Forces. Whether and when it works shows in `exited`. */
	kill(): void;
	/** Waits no longer for a killed job: `exited` settles with `stuck`, unless it has settled already. */
	giveUp(): void;
}

/** Whether the job did what it was there for. */
export function isSuccess(exit: JobExit): boolean {
	return (
		exit.outcome === "finished" ||
		(exit.outcome === "exited" && exit.code === 0)
	);
}
