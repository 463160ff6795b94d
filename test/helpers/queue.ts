/** The queue of examples/queue under load, and the books on what became of its items. */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Random } from "./random.ts";
import { type Redis as Server, startRedis } from "./redis.ts";
import { until } from "./until.ts";

export interface Books {
	/** Pushed so far. */
	readonly items: number;
	/** Neither done nor in any list. */
	readonly lost: number;
	/** Done more than once. */
	readonly twice: number;
	/** In the list of a consumer. */
	readonly inHand: number;
}

/** Filled in bursts, at random: at times the consumers wait for an item, at times items wait for them. */
export class BusyQueue implements AsyncDisposable {
	/** What the consumers connect to. */
	readonly url: string;
	readonly #server: Server;
	readonly #redis: Redis;
	readonly #load = new AbortController();
	readonly #producing: Promise<void>;
	#pushed = 0;

	/** @param perSecond how many items come in a second, on average */
	static async start(random: Random, perSecond: number): Promise<BusyQueue> {
		return new BusyQueue(await startRedis(), random, perSecond);
	}

	constructor(server: Server, random: Random, perSecond: number) {
		this.url = `redis://127.0.0.1:${server.port}`;
		this.#server = server;
		this.#redis = new Redis(this.url);
		this.#producing = this.#produce(random, perSecond);
	}

	async #produce(random: Random, perSecond: number): Promise<void> {
		while (!this.#load.signal.aborted) {
			// On a slow machine the consumers have a chance, too.
			if ((await this.#redis.llen("pending")) < 200) await this.#push(random.between(1, 20));
			await sleep((random.between(0, 20) / perSecond) * 1000);
		}
	}

	async #push(count: number): Promise<void> {
		const burst = Array.from({ length: count }, () => String(++this.#pushed));
		await this.#redis.rpush("pending", ...burst);
	}

	async endLoad(): Promise<void> {
		this.#load.abort();
		await this.#producing;
	}

	/** Ends the load, and waits until all that was pushed has been taken. */
	async drain(): Promise<void> {
		await this.endLoad();
		const isEmpty = async () => (await this.#redis.llen("pending")) === 0;
		await until(isEmpty, "every item is taken", 120_000);
	}

	/** What the consumers of a container have taken and not yet done. */
	async inHand(container = "*"): Promise<string[]> {
		const lists = await this.#redis.keys(`processing:${container}:*`);
		const items = lists.map((list) => this.#redis.lrange(list, 0, -1));
		return (await Promise.all(items)).flat();
	}

	/** While nobody works, lest an item is seen on its way. */
	async books(): Promise<Books> {
		const done = await this.#redis.hgetall("done");
		const inHand = await this.inHand();
		const pending = await this.#redis.lrange("pending", 0, -1);
		const known = new Set([...Object.keys(done), ...inHand, ...pending]);
		return {
			items: this.#pushed,
			lost: this.#pushed - known.size,
			twice: Object.values(done).filter((times) => times !== "1").length,
			inHand: inHand.length,
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		try {
			await this.endLoad();
		} finally {
			this.#redis.disconnect();
			await this.#server[Symbol.asyncDispose]();
		}
	}
}
