/** Standard error for direct writes: kept blocking for everybody else, and written to without a stream. */
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { monotonicMs } from "../../base/time.ts";

const STREAMS = ["stdin", "stdout", "stderr"] as const;
/** The longest wait for a reader of standard error that has stalled. */
const STALL_MS = 100;
const RETRY_MS = 5;

/**
 * Keeps standard error blocking. The first use of `process.stderr` makes a pipe or a socket non-blocking for all
 * processes that share it, and their direct writes then fail with EAGAIN. Node.js itself uses it when it loads
 * node:assert (as pino does), or node:util as an ES module, to see whether it supports colours. It looks only once.
 */
export function keepStderrBlocking(): void {
	hideStreams(() => process.getBuiltinModule("node:assert"));
}

/** Runs an action that looks at the standard streams of the process but does not need them. */
export function hideStreams<T>(action: () => T): T {
	const hidden = STREAMS.map((name) => [name, Object.getOwnPropertyDescriptor(process, name)] as const);
	for (const [name] of hidden) Object.defineProperty(process, name, { value: {}, configurable: true });
	try {
		return action();
	} finally {
		for (const [name, descriptor] of hidden) if (descriptor) Object.defineProperty(process, name, descriptor);
	}
}

let own: number | undefined;

/**
 * Writes to standard error before it returns. Drops what cannot be written, and what a stalled reader has not taken
 * within 100 ms: the caller has something to do that must not wait.
 */
export function writeNow(text: string): void {
	// Without /proc there is no descriptor of our own: then a stalled reader blocks us.
	own ??= ownDescription(2) ?? 2;
	const end = monotonicMs() + STALL_MS;
	for (let rest = Buffer.from(text); rest.length > 0; ) {
		try {
			rest = rest.subarray(writeSync(own, rest));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || monotonicMs() >= end) return;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
		}
	}
}

/** A descriptor of the same file, pipe or terminal to which writes do not block. `undefined` if it cannot be opened. */
export function ownDescription(descriptor: number): number | undefined {
	// A file has no reader that could stall. And a second description has its own offset: writers would overwrite each
	// other.
	if (attempt(() => fstatSync(descriptor).isFile())) return descriptor;
	const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_APPEND } = constants;
	return attempt(() => openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND));
}
