/**
 * The first file of a job thread: runs the job's function, reports to the main thread how it ended.
 *
 * The thread does not end by itself: it says that it has settled, and waits to be ended. Node.js's teardown of a thread
 * waits for libuv's pool (a lookup at a dead server takes seconds, the read of a FIFO for ever), and an N-API addon
 * with a call in flight may abort the whole process in it. At the program's stop no thread is torn down.
 *
 * Invariant: when the thread says that it has settled, its `exit` listeners have run, its sockets and servers are
 * closed, and no code of the job runs any more.
 */
import { readlinkSync } from "node:fs";
import type { Writable } from "node:stream";
import { receiveMessageOnPort, threadId, workerData } from "node:worker_threads";
import { attempt, errorInfo } from "../base/errors.ts";
import { MAX_DURATION_MS } from "../base/time.ts";
import { Flag } from "./context.ts";
import { answerInit, beat } from "./heartbeat.ts";
import { isSuccess, type JobExit, type Stream } from "./job.ts";
import { runFunction } from "./run-function.ts";
import type { ThreadData } from "./thread.ts";
import { type StrippedFile, ThreadSender } from "./thread-channel.ts";

const { name, thread: file, data, logLevel, port, flagMemory, flowMemory, inLines } = workerData as ThreadData;
/** Longest wait for the main thread to strip a file, in milliseconds. After that this thread strips the file itself. */
const STRIP_MS = 5_000;

const flag = new Flag(flagMemory);
const words = new Int32Array(flagMemory);
const sender = new ThreadSender(port, flowMemory, inLines, () => flag.isSet);

redirect(process.stdout, "stdout");
redirect(process.stderr, "stderr");
// Keeps the thread alive: a job that awaits its flag holds nothing else that would.
setInterval(() => {}, MAX_DURATION_MS);

const task = attempt(() => readlinkSync("/proc/thread-self"));
if (task !== undefined) sender.send({ type: "task", task });
// Added before the job's own listeners: end() runs those, and does not return.
process.once("exit", onExit);
process.on("uncaughtExceptionMonitor", onUncaught);
void answerInit(words, tellWhatFor);
// No top-level await: the bundle is CommonJS, which needs less memory in each thread.
runFunction({
	...{ name, file, data, logLevel, flag, id: threadId, strip: askMainThread },
	log: (line) => sender.sendOutput("log", Buffer.from(line)),
	ready: () => sender.send({ type: "ready" }),
	alive: () => beat(words),
}).then(end);

/** The job has called process.exit(). */
function onExit(code: number): void {
	end({ outcome: "exited", code });
}

function onUncaught(thrown: unknown): void {
	// A listener of the job itself handles the error.
	if (process.listenerCount("uncaughtException") > 0) return;
	end({ outcome: "failed", error: errorInfo(thrown) });
}

function end(exit: JobExit): never {
	process.off("exit", onExit);
	process.off("uncaughtExceptionMonitor", onUncaught);
	let reported = exit;
	try {
		process.emit("exit", "code" in exit ? exit.code : 0);
	} catch (error) {
		if (isSuccess(exit)) reported = { outcome: "failed", error: errorInfo(error) };
	}
	closeHandles();
	sender.send({ type: "settled", exit: reported });
	const forEver = new Int32Array(new SharedArrayBuffer(4));
	for (;;) Atomics.wait(forEver, 0, 0);
}

function tellWhatFor(): void {
	// The timer above is ours.
	const open: Record<string, number> = { Timeout: -1 };
	for (const name of process.getActiveResourcesInfo()) open[name] = (open[name] ?? 0) + 1;
	sender.send({ type: "waitsFor", open });
}

/** A settled thread must not hold what others need: a port, or connections to a database. */
function closeHandles(): void {
	// Not in the types of Node.js; `process.getActiveResourcesInfo()` has names only.
	type Handles = { _getActiveHandles(): { destroy?(): void; close?(): void }[] };
	for (const handle of (process as unknown as Handles)._getActiveHandles())
		attempt(() => (handle.destroy ? handle.destroy() : handle.close?.()));
}

/** Has the main thread strip the types of a file: there Node.js's type stripper is loaded once for all threads. */
function askMainThread(path: string, source: string): string | undefined {
	const answered = new Int32Array(new SharedArrayBuffer(4));
	sender.send({ type: "strip", path, source, answered });
	Atomics.wait(answered, 0, 0, STRIP_MS);
	// An answer to an earlier question may have come too late, and stands before this one.
	for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
		const answer: StrippedFile = next.message;
		if (answer.path === path) return answer.text;
	}
	return undefined;
}

/** Lets a stream of the thread send each write at once, instead of buffering it in the thread. */
function redirect(stream: Writable, type: Stream): void {
	stream._write = (chunk: Buffer | string, encoding, done) => {
		sender.sendOutput(type, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
		done();
	};
	// For what cork() held back. Node.js's own _writev() would buffer it in the thread: terminate() would destroy it.
	stream._writev = (chunks, done) => {
		for (const { chunk, encoding } of chunks) stream._write(chunk, encoding, () => {});
		done();
	};
}
