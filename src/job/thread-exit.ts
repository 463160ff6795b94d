/** How a thread has ended. */
import type { ErrorInfo } from "../errors.ts";
import type { JobExit } from "./job.ts";

/** What the thread said of its own end. `undefined` if no end is made so: the job's code can send whatever it likes. */
export function saidExit(said: Partial<JobExit> = {}): JobExit | undefined {
	switch (said.outcome) {
		case "finished":
			return { outcome: "finished" };
		case "exited":
			return Number.isInteger(said.code)
				? { outcome: "exited", code: Number(said.code) }
				: undefined;
		case "failed":
		case "not-started": {
			const { name, message, stack, code } = said.error ?? {};
			if (typeof name !== "string" || typeof message !== "string")
				return undefined;
			const error = {
				name,
				message,
				...(typeof stack === "string" && { stack }),
				...(typeof code === "string" && { code }),
			};
			return { outcome: said.outcome, error };
		}
		default:
			return undefined;
	}
}

/**
 * The end of a thread that has said nothing.
 *
 * @param error Of the worker's event `error`, if there was one.
 */
export function exitOf(code: number, error: ErrorInfo | undefined): JobExit {
	if (!error) return { outcome: "exited", code };
	switch (error.code) {
		case "ERR_WORKER_OUT_OF_MEMORY":
			return { outcome: "out-of-memory", error };
		case "ERR_WORKER_INIT_FAILED":
			return notStarted(error);
		default:
			return { outcome: "failed", error };
	}
}

/** No thread could be made. Node.js says no more than the code of the error. */
export function notStarted(error: ErrorInfo): JobExit {
	const limit = /EMFILE/.test(error.message)
		? "open files"
		: /EAGAIN/.test(error.message) && "processes and threads";
	const message = limit
		? `${error.message}: no thread could be made, the limit of ${limit} is reached`
		: error.message;
	return { outcome: "not-started", error: { ...error, message } };
}
