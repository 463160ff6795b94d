/**
 * A queue in Redis from which nothing is lost: an item moves from the list `pending` to the list of the consumer that works
 * on it, and leaves that only when it is done.
 *
 * A consumer's name is its own, and stays the same when it is restarted: then it finds what it had in hand when it was killed.
 */
import { Redis } from "ioredis";

/** How long a wait for an item may last, in seconds; then the server answers that there is none. */
const WAIT = 1;

export async function openQueue(url: string, consumer: string) {
	const processing = `processing:${consumer}`;
	const redis = new Redis(url);
	// A wait blocks its connection.
	const waiting = redis.duplicate();
	const connection = await waiting.client("ID");
	// What a crash left goes back to the head of the queue, to be done again.
	while (await redis.lmove(processing, "pending", "RIGHT", "LEFT"));

	return {
		redis,

		/** The next item; `null` if none came in a second, or before `signal` was aborted. */
		async take(signal: AbortSignal): Promise<string | null> {
			if (signal.aborted) return null;
			let answered = false;
			// The server ends the wait, for it alone knows whether it has moved an item: with the connection closed
			// its answer could be lost. More than once, for UNBLOCK may overtake BLMOVE.
			const unblock = async () => {
				while (!answered) await redis.client("UNBLOCK", connection);
			};
			signal.addEventListener("abort", unblock, { once: true });
			try {
				return await waiting.blmove("pending", processing, "LEFT", "RIGHT", WAIT);
			} finally {
				answered = true;
				signal.removeEventListener("abort", unblock);
			}
		},

		/** The item is done: nobody will have to do it again. */
		async acknowledge(item: string): Promise<void> {
			await redis.lrem(processing, 1, item);
		},

		async close(): Promise<void> {
			await Promise.all([waiting.quit(), redis.quit()]);
		},
	};
}
