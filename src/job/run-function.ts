/** Runs the function of a job, in a thread or in a process of its own: imports its file, makes its context. */
import { pathToFileURL } from "node:url";
import { attempt, type ErrorInfo, errorInfo } from "../base/errors.ts";
import { createLogger, type Logger, type LogLevel } from "../base/logger.ts";
import { loadTypeScript, needsHooks } from "../base/typescript.ts";
import { defaultExport, explainImport, flushCompileCache } from "../base/user-module.ts";
import type { Flag, JobContext, JobFunction } from "./context.ts";
import type { JobExit } from "./job.ts";

export interface FunctionRun {
	readonly name: string;
	/** Absolute path of the file whose default export is the function. */
	readonly file: string;
	readonly data: unknown;
	readonly logLevel: LogLevel;
	readonly flag: Flag;
	readonly id: number;
	/** As for loadTypeScript(). */
	readonly strip: (path: string, source: string) => string | undefined;
	/** Takes a record of the job's log, with its line break. */
	readonly log: (line: string) => void;
	readonly ready: () => void;
	readonly alive: () => void;
}

/** Never rejects. */
export async function runFunction(run: FunctionRun): Promise<JobExit> {
	let job: JobFunction;
	try {
		job = await importJob(run);
	} catch (error) {
		return { outcome: "not-started", error: nameFile(run.file, errorInfo(error)) };
	}
	const { flag } = run;
	try {
		await job(createContext(run));
	} catch (error) {
		// `await queue.take({signal: flag.signal})` throws when the flag is raised. For such a job that is the stop.
		const isStop = flag.isSet && attempt(() => isAbort(flag, error));
		if (!isStop) return { outcome: "failed", error: errorInfo(error) };
	}
	return { outcome: "finished" };
}

/** Whether the error says that something was aborted, or was caused by such an error. */
function isAbort(flag: Flag, error: unknown): boolean {
	const seen = new Set<unknown>();
	for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
		seen.add(at);
		const { name, code } = at as NodeJS.ErrnoException;
		if (at === flag.signal.reason || name === "AbortError" || code === "ABORT_ERR") return true;
	}
	return false;
}

/** Not every error of an import names the file: a syntax error names it only in its stack. */
function nameFile(file: string, error: ErrorInfo): ErrorInfo {
	const message = explainImport(error) ?? error.message;
	return { ...error, message: message.includes(file) ? message : `${file}: ${message}` };
}

async function importJob({ name, file, strip }: FunctionRun): Promise<JobFunction> {
	if (needsHooks(file)) loadTypeScript(strip);
	const job = defaultExport(await import(pathToFileURL(file).href));
	flushCompileCache();
	if (typeof job === "function") return job as JobFunction;
	const found = job === undefined ? "no default export" : `a default export of type ${typeof job}`;
	throw new TypeError(
		`Cannot run ${file}: found ${found}, expected the job's function: export default async function ${name}({flag}) {…}`,
	);
}

function createContext({ name, id, data, flag, logLevel, log, ready, alive }: FunctionRun): JobContext {
	let logger: Logger | undefined;
	let isReady = false;
	return {
		name,
		id,
		data,
		flag,
		get log() {
			logger ??= createLogger(logLevel, { job: name }, log);
			return logger;
		},
		ready() {
			if (!isReady) ready();
			isReady = true;
		},
		alive,
	};
}
