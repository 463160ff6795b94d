/** What the stop says, on standard error, and only when something went wrong: the output of an app is its own. */
import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { attempt } from "../base/errors.ts";
import { formatDuration, monotonicMs, within } from "../base/time.ts";
import { writeNow } from "../os/output/stderr.ts";
import type { StopReason } from "../supervisor/events.ts";

/** The time of the whole stop. */
interface Granted {
	readonly totalMs: number;
	/** The part of it that the handlers have. */
	readonly jobsMs: number;
	/** Where it comes from, in words. */
	readonly source: string;
}

type Named = readonly { readonly name: string }[];

/** Straight to the descriptor: a stream would need further turns of the event loop. */
function say(line: string): void {
	writeNow(`lastcall: ${line}\n`);
}

export function failed(name: string, error: unknown): void {
	say(`Stop handler "${name}" failed: ${describe(error)}`);
}

export function late(name: string, waitedMs: number, hurried: boolean): void {
	const waited = formatDuration(waitedMs);
	const why = hurried ? ", when a second SIGINT came" : "";
	say(`Stop handler "${name}" had not finished after ${waited}${why}`);
}

export function notRun(handlers: Named): void {
	say(`No time was left for stop handler ${list(handlers)}`);
}

export function unknown(names: readonly string[]): void {
	if (names.length === 0) return;
	say(`Found ${names.map((name) => `"${name}"`).join(", ")} in "after", but no stop handler of that name: ignored`);
}

/** The last line of a stop that was late. */
export function stoppedLate(reason: StopReason, tookMs: number, { totalMs, source }: Granted): void {
	const why = reason.type === "signal" ? reason.signal : reason.type;
	say(`Stopped late: ${why}, ${formatDuration(tookMs)} of ${formatDuration(totalMs)} (${source}); exit code 124`);
}

/** The guard's words while a handler runs: they are said only when the event loop was not there to do anything about it. */
export function blocked(name: string, notRun: Named, { jobsMs, totalMs, source }: Granted): string {
	const others = notRun.length > 0 ? `; not run: ${list(notRun)}` : "";
	return `lastcall: Stop handler "${name}" blocks the event loop beyond the deadline, ${formatDuration(jobsMs)} of ${formatDuration(totalMs)} (${source})${others}; exit code 124`;
}

/** The guard's words when the process does not end by itself. */
export function heldAtEnd(code: number): string {
	return `lastcall: A thread in native code or an exit listener held the exit; exit code ${code}`;
}

/** As Node.js would have: the origin is said for a rejection, whose stack may lead nowhere. */
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

// ==== from flush.ts

/**
 * Waits until what the app has printed has left: `process.exit()` drops what a slow reader of a pipe has not taken yet.
 *
 * @param stallMs Ends the wait when the readers have taken nothing for so long.
 * @param maxMs Ends it in any case.
 */
export async function flushOutput(stallMs: number, maxMs: number): Promise<void> {
	const streams = [process.stdout, process.stderr].filter(({ writableLength }) => writableLength > 0);
	const flushed = Promise.all(streams.map(isFlushed));
	const end = monotonicMs() + maxMs;
	let before: Backlog[];
	let now = streams.map(backlog);
	do {
		before = now;
		await within(flushed, Math.min(stallMs, end - monotonicMs()));
		now = streams.map(backlog);
	} while (hasMoved(before, now) && monotonicMs() < end);
}

/** An empty chunk is written behind all others; an error (the reader is gone) ends the wait, too. */
function isFlushed(stream: Writable): Promise<void> {
	return new Promise((done) => stream.write("", () => done()));
}

/** Bytes that have not left: of all chunks, and of those that libuv has in hand. */
type Backlog = readonly [all: number, inHand: number];

/**
 * Many chunks become one write of libuv's, and count until its last byte has left. How far it has come only its handle tells;
 * where there is none the reader has one `stallMs`.
 */
function backlog(stream: Writable): Backlog {
	const { _handle } = stream as { _handle?: { writeQueueSize?: number } };
	return [stream.writableLength, _handle?.writeQueueSize ?? 0];
}

/** Whether a reader has taken something, and there is more. */
function hasMoved(before: Backlog[], now: Backlog[]): boolean {
	return now.some(([all, inHand], index) => {
		const [allBefore, inHandBefore] = before[index] ?? [0, 0];
		return all > 0 && (all < allBefore || inHand < inHandBefore);
	});
}
