/** How a thread ended that has said nothing of it. */
import type { ErrorInfo } from "../errors.ts";
import type { JobExit } from "./job.ts";

/** @param error Of the worker's event `error`, if there was one. */
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
