import type { Writable } from "node:stream";
import { monotonicMs } from "../clock.ts";
import { within } from "../within.ts";

/**
 * Waits until what the app has printed has left: `process.exit()` drops what a slow reader of a pipe has not taken yet.
 *
 * @param stallMs Ends the wait when the readers have taken nothing for so long.
 * @param maxMs Ends it in any case.
 */
export async function flushOutput(
	stallMs: number,
	maxMs: number,
): Promise<void> {
	const streams = [process.stdout, process.stderr].filter(
		({ writableLength }) => writableLength > 0,
	);
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
