/** First file of a job thread: makes the job's context, runs its function, tells the main thread how it ended. */
import { readlinkSync } from "node:fs";
import type { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { threadId, workerData } from "node:worker_threads";
import { MAX_DURATION_MS } from "../duration.ts";
import { attempt, type ErrorInfo, errorInfo } from "../errors.ts";
import { createLogger, type Logger } from "../logger.ts";
import { explainModuleType } from "../module-type.ts";
import type { JobContext, JobFunction } from "./context.ts";
import { Flag } from "./flag.ts";
import type { JobExit, Stream } from "./job.ts";
import type { ThreadData } from "./thread.ts";
import { ThreadSender } from "./thread-channel.ts";

const { name, file, data, logLevel, port, flagMemory, flowMemory } =
	workerData as ThreadData;
const flag = new Flag(flagMemory);
const sender = new ThreadSender(port, flowMemory, () => flag.isSet);

redirect(process.stdout, "stdout");
redirect(process.stderr, "stderr");
// A job that awaits its flag has nothing else that would keep the thread alive.
setInterval(() => {}, MAX_DURATION_MS);

const task = attempt(() => readlinkSync("/proc/thread-self"));
if (task !== undefined) sender.send({ type: "task", task });
// No top-level await: the bundle is CommonJS, which needs less memory in each thread.
runJob().then((exit) => {
	sender.send({ type: "settled", exit });
	process.exit(0);
});

async function runJob(): Promise<JobExit> {
	let job: JobFunction;
	try {
		job = await importJob();
	} catch (error) {
		return { outcome: "not-started", error: explain(errorInfo(error)) };
	}
	try {
		await job(createContext());
		return { outcome: "finished" };
	} catch (error) {
		return { outcome: "failed", error: errorInfo(error) };
	}
}

/** Not every error of an import says in which file it is: a syntax error has that in its stack only. */
function explain(error: ErrorInfo): ErrorInfo {
	const message = explainModuleType(error) ?? error.message;
	if (message.includes(file)) return { ...error, message };
	return { ...error, message: `${file}: ${message}` };
}

async function importJob(): Promise<JobFunction> {
	const module: { default?: unknown } = await import(pathToFileURL(file).href);
	if (typeof module.default !== "function") {
		const found =
			module.default === undefined
				? "no default export"
				: `a default export of type ${typeof module.default}`;
		throw new TypeError(
			`Cannot run ${file}: found ${found}, expected the job's function: export default async function ${name}({flag}) {…}`,
		);
	}
	return module.default as JobFunction;
}

function createContext(): JobContext {
	let logger: Logger | undefined;
	let isReady = false;
	return {
		name,
		id: threadId,
		data,
		flag,
		get log() {
			logger ??= createLogger(logLevel, { job: name }, (line) =>
				sender.sendOutput("log", Buffer.from(line)),
			);
			return logger;
		},
		ready() {
			if (!isReady) sender.send({ type: "ready" });
			isReady = true;
		},
	};
}

/** Lets a stream of the thread hand each write over at once, instead of buffering it in the thread. */
function redirect(stream: Writable, type: Stream): void {
	stream._write = (chunk: Buffer | string, encoding, done) => {
		const bytes =
			typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
		sender.sendOutput(type, bytes);
		done();
	};
}
