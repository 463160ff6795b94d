/** Messages of the stop on standard error, only when something went wrong, and the flush of the app's own output. */
import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { attempt } from "../base/errors.ts";
import { formatDuration, monotonicMs, within } from "../base/time.ts";
import type { Budget, StopTimeout } from "../config/stop-timeout.ts";
import { writeNow } from "../os/output/stderr.ts";
import type { StopReason } from "../supervisor/events.ts";

type Times = Pick<Budget & StopTimeout, "totalMs" | "jobsMs" | "source">;
type Named = readonly { readonly name: string }[];

/** Writes to the descriptor at once: a stream would need more turns of the event loop. */
function say(line: string): void {
	writeNow(`lastcall: ${line}\n`);
}

export function failed(name: string, error: unknown): void {
	say(`Stop handler "${name}" failed: ${describe(error)}`);
}

export function late(name: string, waitedMs: number, hurried: boolean): void {
	const why = hurried ? ", when a second SIGINT came" : "";
	say(`Stop handler "${name}" had not finished after ${formatDuration(waitedMs)}${why}`);
}

export function notRun(handlers: Named): void {
	say(`No time was left for stop handler ${list(handlers)}`);
}

export function unknown(names: readonly string[]): void {
	if (names.length === 0) return;
	say(`Found ${names.map((name) => `"${name}"`).join(", ")} in "after", but no stop handler of that name: ignored`);
}

/** The last line of a stop that was late. */
export function stoppedLate(reason: StopReason, tookMs: number, { totalMs, source }: Times): void {
	const why = reason.type === "signal" ? reason.signal : reason.type;
	say(`Stopped late: ${why}, ${formatDuration(tookMs)} of ${formatDuration(totalMs)} (${source}); exit code 124`);
}

/** What the guard says if a handler blocks the event loop: otherwise the stop goes on before the guard's moment. */
export function blocked(name: string, notRun: Named, { jobsMs, totalMs, source }: Times): string {
	const others = notRun.length > 0 ? `; not run: ${list(notRun)}` : "";
	return `lastcall: Stop handler "${name}" blocks the event loop beyond the deadline, ${formatDuration(jobsMs)} of ${formatDuration(totalMs)} (${source})${others}; exit code 124`;
}

/** What the guard says when the process does not end by itself. */
export function heldAtEnd(code: number): string {
	return `lastcall: A thread in native code or an exit listener held the exit; exit code ${code}`;
}

/** Names the origin of a rejection, as Node.js does: its stack may not show it. */
export function printUncaught(error: unknown, origin: string): void {
	const where = origin === "unhandledRejection" ? " (unhandled rejection)" : "";
	say(`Uncaught error${where}, stopping: ${describe(error)}`);
}

function describe(error: unknown): string {
	return attempt(() => inspect(error)) ?? "a value that cannot be described";
}

function list(handlers: Named): string {
	return handlers.map(({ name }) => `"${name}"`).join(", ");
}

/**
 * Waits until the app's output is written: `process.exit()` drops what a slow reader of a pipe has not taken yet.
 *
 * @param stallMs Ends the wait when the readers have taken nothing for this time.
 * @param maxMs Ends the wait in any case.
 */
export async function flushOutput(stallMs: number, maxMs: number): Promise<void> {
	const streams = [process.stdout, process.stderr].filter(({ writableLength }) => writableLength > 0);
	// An empty chunk is written after all others. An error (the reader is gone) calls back, too.
	const flushed = Promise.all(streams.map((stream) => new Promise<unknown>((done) => stream.write("", done))));
	const end = monotonicMs() + maxMs;
	let before: Backlog[];
	let now = streams.map(backlog);
	do {
		before = now;
		await within(flushed, Math.min(stallMs, end - monotonicMs()));
		now = streams.map(backlog);
	} while (hasMoved(before, now) && monotonicMs() < end);
}

/** Bytes that are not written: of all chunks, and of the chunk that libuv is writing. */
type Backlog = readonly [all: number, current: number];

/**
 * libuv writes many chunks at once, and the stream counts them until the last byte is written. Only libuv's handle
 * knows how much of that is left. A stream without a handle gives its reader one `stallMs`.
 */
function backlog(stream: Writable): Backlog {
	const { _handle } = stream as { _handle?: { writeQueueSize?: number } };
	return [stream.writableLength, _handle?.writeQueueSize ?? 0];
}

/** Whether a reader has taken something, and more is left. */
function hasMoved(before: Backlog[], now: Backlog[]): boolean {
	return now.some(([all, current], index) => {
		const [allBefore, currentBefore] = before[index] ?? [0, 0];
		return all > 0 && (all < allBefore || current < currentBefore);
	});
}
