/** Whether what a process takes grows: from a series of samples of test/fixtures/soak/sample.ts. */
import type { Sample } from "../fixtures/soak/sample.ts";
import type { Figures } from "./figures.ts";
import { ends, fitSlope, type Slope, smooth } from "./slope.ts";

export interface Growth {
	/** Medians of the first and the last third of the time. */
	readonly counts: Readonly<Record<Counted, { readonly first: number; readonly last: number }>>;
	/** KiB a minute. */
	readonly memory: Readonly<Record<Measured, Slope>>;
}

const COUNTED = {
	descriptors: ({ descriptors }: Sample) => descriptors,
	sockets: ({ sockets }: Sample) => sockets,
	threads: ({ threads }: Sample) => threads,
	zombies: ({ zombies }: Sample) => zombies.length,
	"active resources": ({ heap }: Sample) => heap?.activeResources ?? 0,
	timers: ({ heap }: Sample) => heap?.timers ?? 0,
};

const MEASURED = {
	heap: ({ heap }: Sample) => (heap?.used ?? 0) / 1024,
	"external memory": ({ heap }: Sample) => (heap?.external ?? 0) / 1024,
	"native memory": ({ heap }: Sample) => (heap?.native ?? 0) / 1024,
	"private dirty": ({ privateDirty }: Sample) => privateDirty,
	PSS: ({ pss }: Sample) => pss,
	RSS: ({ rss }: Sample) => rss,
};

type Counted = keyof typeof COUNTED;
type Measured = keyof typeof MEASURED;

/**
 * @param warmUpMinutes What was measured in them does not count.
 * @param stretchMinutes Of each such time the median counts.
 */
export function measureGrowth(samples: readonly Sample[], warmUpMinutes: number, stretchMinutes: number): Growth {
	const points = (of: (sample: Sample) => number) =>
		samples
			// It is written a moment after the start.
			.filter(({ heap }) => heap !== undefined)
			.map((sample) => ({ minutes: sample.ms / 60_000, value: of(sample) }))
			.filter(({ minutes }) => minutes >= warmUpMinutes);
	return {
		counts: mapValues(COUNTED, (of) => ends(points(of))),
		memory: mapValues(MEASURED, (of) => fitSlope(smooth(points(of), stretchMinutes))),
	};
}

/** For a reader. */
export function growthInWords({ counts, memory }: Growth): Figures {
	return {
		...Object.fromEntries(
			Object.entries(counts).map(([what, { first, last }]) => [`${what}, first → last third`, `${first} → ${last}`]),
		),
		...Object.fromEntries(
			Object.entries(memory).map(([what, { perMinute, error }]) => [
				`${what}, KiB per minute`,
				`${perMinute.toFixed(1)} ± ${error.toFixed(1)}`,
			]),
		),
	};
}

/** Milliseconds that one and the same zombie was seen for, at the most. */
export function oldestZombie(samples: readonly Sample[]): number {
	let oldest = 0;
	let since = new Map<number, number>();
	for (const { ms, zombies } of samples) {
		since = new Map(zombies.map((pid) => [pid, since.get(pid) ?? ms]));
		for (const first of since.values()) oldest = Math.max(oldest, ms - first);
	}
	return oldest;
}

function mapValues<Key extends string, From, To>(
	record: Readonly<Record<Key, From>>,
	to: (value: From) => To,
): Record<Key, To> {
	const entries = Object.entries<From>(record);
	return Object.fromEntries(entries.map(([key, value]) => [key, to(value)])) as Record<Key, To>;
}
