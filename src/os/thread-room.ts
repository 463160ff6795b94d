/** Whether the kernel would let us have more threads: a limit of processes (`--pids-limit`) counts them, too. */
import { monotonicMs } from "../clock.ts";
import { attempt } from "../errors.ts";
import { foreignFunctions } from "./ffi.ts";

/** One alone may be the room that another process has just left, and takes again. */
const THREADS = 4;
/** So long all of them are there at once. */
const MICROSECONDS = 1_000n;

/**
 * Tries, as nothing else tells for all the limits there are: pthread_create(3) → EAGAIN. For what must not find that out for
 * itself: V8 ends the whole process where its profiler cannot have a thread. It takes a millisecond.
 *
 * @returns true where it cannot be tried.
 */
export function hasRoomForThreads(): boolean {
	if (monotonicMs() - triedAt > SAME_MOMENT_MS) {
		hadRoom = attempt(tryThreads) ?? true;
		triedAt = monotonicMs();
	}
	return hadRoom;
}

/** On a starved machine each try takes a long time: looks of the same moment share one. */
const SAME_MOMENT_MS = 50;
let hadRoom = true;
let triedAt = Number.NEGATIVE_INFINITY;

function tryThreads(): boolean | undefined {
	const ffi = foreignFunctions();
	if (!ffi) return undefined;
	const create = ffi.bind("pthread_create", "int", [
		"pointer",
		"pointer",
		"pointer",
		"ulong",
	]);
	const join = ffi.bind("pthread_join", "int", ["ulong", "pointer"]);
	const routine = ffi.symbol("usleep");
	const id = Buffer.alloc(8);
	const threads: bigint[] = [];
	while (threads.length < THREADS) {
		if (create(ffi.address(id), 0n, routine, MICROSECONDS) !== 0) break;
		threads.push(id.readBigUInt64LE());
	}
	for (const thread of threads) join(thread, 0n);
	return threads.length === THREADS;
}
