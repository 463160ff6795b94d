/** Stops and starts a container that works on a queue, at random moments, and looks what it leaves. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Container, mustDocker } from "./docker.ts";
import type { Figures } from "./figures.ts";
import type { Books, BusyQueue } from "./queue.ts";
import type { Random } from "./random.ts";
import { until } from "./until.ts";
import { hasBegun } from "./up.ts";

export interface Stop {
	/** Exit code of the container. */
	readonly code: number;
	/** Milliseconds that `docker stop` took. */
	readonly ms: number;
	/** Items that the container had taken and neither finished nor given back. */
	readonly leftBehind: number;
	/** Consumers that had got as far as taking items. */
	readonly ready: number;
	/** Items that were finished after the stop had come. */
	readonly late: number;
}

export interface StopOptions {
	readonly queue: BusyQueue;
	/** The container's CONSUMER. */
	readonly name: string;
	readonly cycles: number;
	readonly random: Random;
	/** The stop timeout. */
	readonly seconds: number;
}

/**
 * The container is running at first, and stopped at the end. One stop of five comes in the first 0.4 s, in the middle of the
 * start; the others in the 0.8 s after the first consumer began to take items.
 */
export async function stopAgainAndAgain(
	container: Container,
	{ queue, name, cycles, random, seconds }: StopOptions,
): Promise<Stop[]> {
	const stops: Stop[] = [];
	for (let cycle = 0; cycle < cycles; cycle++) {
		if (cycle > 0) await mustDocker(["start", container.name]);
		const { StartedAt: since, Pid } = (await container.inspect()).State;
		// The kernel drops what comes before: nobody can hear it.
		await until(() => hasBegun(Pid), "the container's program has begun");
		const early = random.next() < 0.2;
		if (!early) await container.waitForLine(/takes items/, { since, timeout: 60_000 });
		await sleep(random.between(0, early ? 400 : 800));
		const { ms } = await container.stop(seconds);
		const output = await mustDocker(["logs", "--since", since, container.name]);
		stops.push({
			code: await container.exitCode(),
			ms,
			leftBehind: (await queue.inHand(name)).length,
			ready: output.match(/takes items/g)?.length ?? 0,
			late: Array.from(output.matchAll(/(\d+) of them after the stop/g))
				.map(([, items]) => Number(items))
				.reduce((sum, items) => sum + items, 0),
		});
	}
	return stops;
}

/** Starts it once more, and ends the load: resolves when nothing is left to be done. */
export async function workOff(container: Container, queue: BusyQueue): Promise<void> {
	await mustDocker(["start", container.name]);
	await queue.drain();
	const isDone = async () => (await queue.inHand()).length === 0;
	await until(isDone, "every item is done", 60_000);
}

/** What is said of every run: of the ends of its containers, and of its items. */
export function figuresOf(ends: readonly Pick<Stop, "code" | "ms">[], leftBehind: number, books: Books): Figures {
	const times = ends.map(({ ms }) => ms).sort((a, b) => a - b);
	const codes = ends.map(({ code }) => code);
	return {
		stops: ends.length,
		items: books.items,
		"items lost": books.lost,
		"items done twice": books.twice,
		"items left behind": leftBehind,
		"containers killed by the engine": codes.filter((code) => code === 137).length,
		"exit codes": [...new Set(codes)].sort((a, b) => a - b).join(", "),
		"stop time, ms, median": Math.round(times[times.length >> 1] ?? 0),
		"stop time, ms, longest": Math.round(times.at(-1) ?? 0),
	};
}

export function sum(numbers: readonly number[]): number {
	return numbers.reduce((total, number) => total + number, 0);
}
