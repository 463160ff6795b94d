/** Messages of the stop on standard error, only when something went wrong, and the flush of the app's own output. */
import { inspect } from "node:util";
import { attempt } from "../base/errors.ts";
import { formatDuration, monotonicMs, within } from "../base/time.ts";
import type { Budget, StopTimeout } from "../config/stop-timeout.ts";
import { writeNow } from "../os/output/stderr.ts";
import type { StopReason } from "../supervisor/events.ts";

type Times = Pick<Budget & StopTimeout, "totalMs" | "jobsMs" | "source">;
type Named = readonly { readonly name: string }[];

/** Writes to the descriptor at once: a stream would need more turns of the event loop. */
function print(line: string): void {
	writeNow(`lastcall: ${line}\n`);
}

export function printFailed(name: string, error: unknown): void {
	print(`Stop handler "${name}" failed: ${describe(error)}`);
}

export function printLate(name: string, waitedMs: number, interrupted: boolean): void {
	const why = interrupted ? ", when a second SIGINT came" : "";
	print(`Stop handler "${name}" had not finished after ${formatDuration(waitedMs)}${why}`);
}

export function printNotRun(handlers: Named): void {
	print(`No time was left for stop handler ${list(handlers)}`);
}

export function printUnknown(names: readonly string[]): void {
	if (names.length === 0) return;
	print(`Found ${names.map((name) => `"${name}"`).join(", ")} in "after", but no stop handler of that name: ignored`);
}

/** The last line of a stop that was late. */
export function printStoppedLate(reason: StopReason, tookMs: number, { totalMs, source }: Times): void {
	const why = reason.type === "signal" ? reason.signal : reason.type;
	print(`Stopped late: ${why}, ${formatDuration(tookMs)} of ${formatDuration(totalMs)} (${source}); exit code 124`);
}

/** Names the origin of a rejection, as Node.js does: its stack may not show it. */
export function printUncaught(error: unknown, origin: string): void {
	const where = origin === "unhandledRejection" ? " (unhandled rejection)" : "";
	print(`Uncaught error${where}, stopping: ${describe(error)}`);
}

/** The guard's message while a handler runs. If the handler does not block, the stop goes on before the guard fires. */
export function blocked(name: string, notRun: Named, { jobsMs, totalMs, source }: Times): string {
	const others = notRun.length > 0 ? `; not run: ${list(notRun)}` : "";
	return `lastcall: Stop handler "${name}" blocks the event loop beyond the deadline, ${formatDuration(jobsMs)} of ${formatDuration(totalMs)} (${source})${others}; exit code 124`;
}

/** The guard's message if the process does not end by itself. */
export function heldAtEnd(code: number): string {
	return `lastcall: A thread in native code or an exit listener held the exit; exit code ${code}`;
}

function describe(error: unknown): string {
	return attempt(() => inspect(error)) ?? "a value that cannot be described";
}

function list(handlers: Named): string {
	return handlers.map(({ name }) => `"${name}"`).join(", ");
}

/**
 * Waits until the app's output is written, for at most `maxMs`, or until the readers have taken nothing for `stallMs`:
 * `process.exit()` drops what a slow reader of a pipe has not taken yet.
 */
export async function flushOutput(stallMs: number, maxMs: number): Promise<void> {
	const streams = [process.stdout, process.stderr].filter(({ writableLength }) => writableLength > 0);
	// An empty chunk is written after all others. An error (the reader is gone) calls back, too.
	const flushed = Promise.all(streams.map((stream) => new Promise<unknown>((done) => stream.write("", done))));
	const end = monotonicMs() + maxMs;
	let before: number[];
	let now = streams.map(bytesTaken);
	do {
		before = now;
		await within(flushed, Math.min(stallMs, end - monotonicMs()));
		now = streams.map(bytesTaken);
	} while (now.some((bytes, index) => bytes > (before[index] ?? 0)) && monotonicMs() < end);
}

/**
 * Bytes that the reader of a stream has taken. libuv writes many chunks at once, and the stream counts them until the
 * last byte is written: only libuv's handle knows. A stream without a handle gives its reader one `stallMs`.
 */
function bytesTaken(stream: object): number {
	const { _handle } = stream as { _handle?: { bytesWritten?: number; writeQueueSize?: number } | null };
	return (_handle?.bytesWritten ?? 0) - (_handle?.writeQueueSize ?? 0);
}
