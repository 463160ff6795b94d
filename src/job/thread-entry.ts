/**
 * First file of a job thread: makes the job's context, runs its function, tells the main thread how it ended.
 *
 * The thread does not end by itself: it says that it has settled, and waits for its end. Node.js's teardown of a thread waits for
 * libuv's pool (a lookup at a dead server takes seconds, the read of a FIFO for ever), and an N-API addon with a call in flight
 * may abort the whole process in it. At the program's stop the process leaves without any teardown.
 *
 * Invariant: when the thread says that it has settled, its `exit` listeners have run, its sockets and servers are closed, and
 * no code of the job runs any more.
 */
import { readlinkSync } from "node:fs";
import type { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { threadId, workerData } from "node:worker_threads";
import { attempt, type ErrorInfo, errorInfo } from "../base/errors.ts";
import { createLogger, type Logger } from "../base/logger.ts";
import { MAX_DURATION_MS } from "../base/time.ts";
import { defaultExport, explainModuleType } from "../base/user-module.ts";
import { Flag, type JobContext, type JobFunction } from "./context.ts";
import { isSuccess, type JobExit, type Stream } from "./job.ts";
import type { ThreadData } from "./thread.ts";
import { ThreadSender } from "./thread-channel.ts";

const { name, file, data, logLevel, port, flagMemory, flowMemory } = workerData as ThreadData;
const flag = new Flag(flagMemory);
const sender = new ThreadSender(port, flowMemory, () => flag.isSet);

redirect(process.stdout, "stdout");
redirect(process.stderr, "stderr");
// A job that awaits its flag has nothing else that would keep the thread alive.
setInterval(() => {}, MAX_DURATION_MS);

const task = attempt(() => readlinkSync("/proc/thread-self"));
if (task !== undefined) sender.send({ type: "task", task });
// The first of all listeners: end() runs the others, and does not return.
process.once("exit", onExit);
process.on("uncaughtExceptionMonitor", onUncaught);
// No top-level await: the bundle is CommonJS, which needs less memory in each thread.
runJob().then(end);

/** The job has called process.exit(). */
function onExit(code: number): void {
	end({ outcome: "exited", code });
}

function onUncaught(thrown: unknown): void {
	// A listener of the job's own takes care of it.
	if (process.listenerCount("uncaughtException") > 0) return;
	end({ outcome: "failed", error: errorInfo(thrown) });
}

function end(exit: JobExit): never {
	process.off("exit", onExit);
	process.off("uncaughtExceptionMonitor", onUncaught);
	const said = runExitListeners(exit);
	closeHandles();
	sender.send({ type: "settled", exit: said });
	const forEver = new Int32Array(new SharedArrayBuffer(4));
	for (;;) Atomics.wait(forEver, 0, 0);
}

function runExitListeners(exit: JobExit): JobExit {
	try {
		process.emit("exit", "code" in exit ? exit.code : 0);
		return exit;
	} catch (error) {
		return isSuccess(exit) ? { outcome: "failed", error: errorInfo(error) } : exit;
	}
}

/** A parked thread must not hold what others wait for: a port, or the database's clients. */
function closeHandles(): void {
	for (const handle of (process as unknown as Handles)._getActiveHandles())
		attempt(() => {
			if (handle.destroy) handle.destroy();
			else handle.close?.();
		});
}

/** Not in the types of Node.js; `process.getActiveResourcesInfo()` has names only. */
interface Handles {
	_getActiveHandles(): { destroy?(): void; close?(): void }[];
}

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
		// `await queue.take({signal: flag.signal})` throws when the flag is raised: that is how it was told.
		if (flag.isSet && attempt(() => isAbort(error))) return { outcome: "finished" };
		return { outcome: "failed", error: errorInfo(error) };
	}
}

/** Whether it says that something was aborted, or was caused by such an error. */
function isAbort(error: unknown): boolean {
	const seen = new Set<unknown>();
	for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
		seen.add(at);
		const { name, code } = at as NodeJS.ErrnoException;
		if (at === flag.signal.reason) return true;
		if (name === "AbortError" || code === "ABORT_ERR") return true;
	}
	return false;
}

/** Not every error of an import says in which file it is: a syntax error has that in its stack only. */
function explain(error: ErrorInfo): ErrorInfo {
	const message = explainModuleType(error) ?? error.message;
	if (message.includes(file)) return { ...error, message };
	return { ...error, message: `${file}: ${message}` };
}

async function importJob(): Promise<JobFunction> {
	const job = defaultExport(await import(pathToFileURL(file).href));
	if (typeof job !== "function") {
		const found = job === undefined ? "no default export" : `a default export of type ${typeof job}`;
		throw new TypeError(
			`Cannot run ${file}: found ${found}, expected the job's function: export default async function ${name}({flag}) {…}`,
		);
	}
	return job as JobFunction;
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
			logger ??= createLogger(logLevel, { job: name }, (line) => sender.sendOutput("log", Buffer.from(line)));
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
		const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
		sender.sendOutput(type, bytes);
		done();
	};
	// What was held back by cork(). Without this it would take Node.js's own way, and be lost when the thread is ended.
	stream._writev = (chunks, done) => {
		for (const { chunk, encoding } of chunks) stream._write(chunk, encoding, () => {});
		done();
	};
}
