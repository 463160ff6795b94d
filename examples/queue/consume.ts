/** What a consumer does, be it a thread or a process. */
import { randomInt } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { openQueue } from "./queue.ts";

export interface ConsumeOptions {
	/** Tells the consumers of one container apart. */
	readonly name: string;
	/** Aborted when it is to stop: the item in hand is done to its end, and no other taken. */
	readonly signal: AbortSignal;
	readonly onReady?: () => void;
}

/** Takes items and does them, one after the other. Returns when it has been stopped. */
export async function consume({ name, signal, onReady }: ConsumeOptions): Promise<void> {
	const { REDIS_URL = "redis://127.0.0.1:6379", CONSUMER = hostname() } = process.env;
	const queue = await openQueue(REDIS_URL, `${CONSUMER}:${name}`);
	console.log(`${name}: takes items`);
	onReady?.();
	let done = 0;
	let late = 0;
	while (!signal.aborted) {
		const item = await queue.take(signal);
		if (item === null) continue;
		await work(item);
		await queue.acknowledge(item);
		done += 1;
		if (signal.aborted) late += 1;
	}
	console.log(`${name}: ${done} items done, ${late} of them after the stop`);
	await queue.close();

	/** Something that takes 5 to 50 ms, with an effect in the middle: who is cut off after that will do it again. */
	async function work(item: string): Promise<void> {
		const ms = randomInt(5, 51);
		await sleep(ms / 2);
		await queue.redis.hincrby("done", item, 1);
		await sleep(ms / 2);
	}
}
