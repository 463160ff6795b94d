import { makeDirectory } from "../../test/helpers/directory.ts";
import type { Contestant, IdleService } from "../lib/contestant.ts";
import { Stopwatch } from "../lib/stopwatch.ts";

/** For a service of hundreds of members on a busy machine. */
const BOUND_MS = 120_000;

/** Whether a contestant can run a service of that shape. */
export function canServe(contestant: Contestant, service: IdleService): boolean {
	if (service.threads + service.processes > (contestant.most ?? Number.POSITIVE_INFINITY)) return false;
	using directory = makeDirectory();
	return contestant.serve?.(service, directory.path) !== undefined;
}

/** Starts a service, and has it measured once all its members wait. */
export async function withService<Found>(
	contestant: Contestant,
	service: IdleService,
	measure: (running: Stopwatch, stamps: bigint[]) => Promise<Found>,
): Promise<Found> {
	using directory = makeDirectory();
	const launch = contestant.serve?.(service, directory.path);
	if (!launch) throw new Error(`Expected ${contestant.name} to serve`);
	await using running = await Stopwatch.start(launch);
	const members = service.threads + service.processes;
	return await measure(running, await running.stamps(members, BOUND_MS));
}

/** For instance "1 thread", "10 processes". */
export function sizeOf({ threads, processes }: IdleService): string {
	const [count, one, many] = processes === 0 ? [threads, "thread", "threads"] : [processes, "process", "processes"];
	return `${count} ${count === 1 ? one : many}`;
}
