import type { Logger } from "../logger.ts";
import type { Flag } from "./flag.ts";

/** What the function of a thread job is called with. */
export interface JobContext<Data = unknown> {
	/** The job's key in the configuration. */
	readonly name: string;
	/** Id of the thread, as `worker_threads.threadId`. */
	readonly id: number;
	/** `data` of the configuration: a copy of the job's own. */
	readonly data: Data;
	/** Raised when the job is asked to stop. */
	readonly flag: Flag;
	/** A pino logger that names the job in each line. Loaded when first used. */
	readonly log: Logger;
	/** Says that the job does its work now. Once is enough. */
	ready(): void;
}

/**
 * The default export of a thread job's file. The job lives until it returns (or its promise settles); then the thread
 * ends, whatever handles it has left open.
 */
export type JobFunction<Data = unknown> = (
	context: JobContext<Data>,
) => unknown;
