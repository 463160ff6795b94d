/**
 * The entry file of a job function's process: runs the function, and tells the init how it ended.
 *
 * The stop signal raises the flag, too: a person may send it, and without a shared flag there is no other way. Node.js
 * handles a signal in a turn of the event loop, so a busy loop and `flag.wait()` see only a shared flag.
 */
import { attempt, errorInfo } from "../base/errors.ts";
import { isLogged, logLine } from "../base/logger.ts";
import { MAX_DURATION_MS, monotonicMs } from "../base/time.ts";
import { stripTypes } from "../base/typescript.ts";
import { foreignFunctions, TO_GET_BINDING } from "../os/ffi/ffi.ts";
import { exitWithListeners } from "../os/processes/exit.ts";
import { Flag, RaisableFlag } from "./context.ts";
import { beat } from "./heartbeat.ts";
import { isSuccess, type JobExit } from "./job.ts";
import { receiveAssignment, sendMessage, sendRecord } from "./process-channel.ts";
import { type FunctionFlag, mapFlag } from "./process-flag.ts";
import { runFunction } from "./run-function.ts";

/** The longest wait for a reader of standard output or error, in milliseconds. */
const FLUSH_MS = 1_000;
const POLL_MS = 2;

let settled: JobExit | undefined;

const assignment = receiveAssignment();
// The init has gone.
if (!assignment) process.exit(1);
const { name, logLevel, stopSignal, answers } = assignment;
const { flag, words, raise, answerInit } = mapFlag(process.env) ?? ownFlag();
// process.on() throws for SIGKILL and SIGSTOP.
attempt(() => process.on(stopSignal, raise));
process.on("uncaughtExceptionMonitor", onUncaught);
if (answers) answerInit();
// Keeps the process alive: nothing else does while a job awaits its flag.
setInterval(() => {}, MAX_DURATION_MS);
runFunction({
	...{ ...assignment, flag, id: process.pid, strip: (_, source) => stripTypes(source) },
	log: sendRecord,
	ready: () => sendMessage(["ready"]),
	alive: () => beat(words),
}).then(async (exit) => {
	await flush();
	end(exit);
});

/** A flag that only this process knows. */
function ownFlag(): FunctionFlag {
	const raisable = new RaisableFlag();
	const why = foreignFunctions() ? "the kernel refuses it" : `neither node:ffi nor koffi loads (${TO_GET_BINDING})`;
	const message = `No shared flag: ${why}. ${stopSignal} raises the flag, but a busy loop and flag.wait() do not see it`;
	if (isLogged("warn", logLevel)) sendRecord(logLine("warn", { job: name }, message));
	const { memory } = raisable;
	return { flag: new Flag(memory), words: new Int32Array(memory), raise: () => raisable.raise(), answerInit() {} };
}

function onUncaught(thrown: unknown): void {
	// The job has its own listener, which handles the error.
	if (process.listenerCount("uncaughtException") > 0) return;
	const failed: JobExit = { outcome: "failed", error: errorInfo(thrown) };
	// An error in an `exit` listener does not hide how the job has ended before.
	end(settled && !isSuccess(settled) ? settled : failed);
}

/** Runs the job's `exit` listeners, then ends the process. The init ignores a report that contradicts the exit code. */
function end(exit: JobExit): never {
	settled = exit;
	sendMessage(["settled", exit]);
	exitWithListeners(isSuccess(exit) ? 0 : 1);
}

/** Waits until Node.js has written all output, which takes time if the reader of a pipe is slow. */
async function flush(): Promise<void> {
	// Not in the types of Node.js. Using process.stdout would make the pipe non-blocking for all processes that share it.
	type Requests = { _getActiveRequests(): object[] };
	const isWriting = () =>
		(process as unknown as Requests)._getActiveRequests().some((request) => request.constructor.name === "WriteWrap");
	const end = monotonicMs() + FLUSH_MS;
	while (attempt(isWriting) && monotonicMs() < end) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
