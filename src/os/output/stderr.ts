/** Standard error, for those who write to it directly. */
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { monotonicMs } from "../../base/time.ts";

/**
 * Leaves standard error blocking for everybody else. Touching `process.stderr` makes a pipe or a socket non-blocking for
 * all who share it, and whoever writes to it directly then gets EAGAIN. Node.js itself touches it when it loads
 * node:assert (as pino does), or node:util as an ES module, to see whether it has colours. It looks once.
 */
export function keepStderrBlocking(): void {
	hideStreams(() => process.getBuiltinModule("node:assert"));
}

const STREAMS = ["stdin", "stdout", "stderr"] as const;

/** Runs something that looks at the standard streams of the process, and does not need them. */
export function hideStreams<T>(action: () => T): T {
	const hidden = STREAMS.map((name) => [name, Object.getOwnPropertyDescriptor(process, name)] as const);
	for (const [name] of hidden) Object.defineProperty(process, name, { value: {}, configurable: true });
	try {
		return action();
	} finally {
		for (const [name, descriptor] of hidden) if (descriptor) Object.defineProperty(process, name, descriptor);
	}
}

/** Longest wait for a reader of standard error who has stalled. */
const STALL_MS = 100;
const RETRY_MS = 5;

let own: number | undefined;

/**
 * Writes to standard error before it returns. What a stalled reader has not taken in a moment is dropped, and so is what
 * cannot be written at all: whoever speaks here has something to do that must not wait.
 */
export function writeNow(text: string): void {
	// Somewhere without /proc a stalled reader is waited for.
	own ??= ownDescription(2) ?? 2;
	const end = monotonicMs() + STALL_MS;
	for (let rest = Buffer.from(text); rest.length > 0; ) {
		try {
			rest = rest.subarray(writeSync(own, rest));
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code !== "EAGAIN" || monotonicMs() >= end) return;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
		}
	}
}

// ==== from own-description.ts

/** A descriptor that can be written to without blocking, or `undefined`. */
export function ownDescription(descriptor: number): number | undefined {
	// A file has no reader that could stall; and a second description would have an offset of its own: they would overwrite each other.
	if (attempt(() => fstatSync(descriptor).isFile())) return descriptor;
	const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_APPEND } = constants;
	return attempt(() => openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND));
}
