/**
 * Where a thread is, found from the main thread without stopping either.
 *
 * While JavaScript runs, a CPU profile of a few milliseconds names the function and the line. A thread in native code
 * does not answer the request for a profile: only the kernel's view of it is left. Both leave the main thread free. A
 * diagnostic report would block it for as long as the native call lasts.
 *
 * V8's profiler does not know code that replaced a function's while its loop was running (on-stack replacement). Such a
 * function is missing. Its caller stands innermost, with the line of the call: near enough to find it.
 */
import type { Worker } from "node:worker_threads";
import { attempt } from "../../base/errors.ts";
import { monotonicMs, within } from "../../base/time.ts";
import { foreignFunctions } from "../ffi/ffi.ts";
import { type KernelState, readKernelState } from "./kernel-state.ts";

/** One line of a JavaScript stack. */
export interface Frame {
	readonly function: string;
	/** Path, or a name such as `node:fs`. */
	readonly file: string;
	/** 1-based. For the innermost frame the line that runs, for all others the first line of the function. */
	readonly line?: number;
}

/** Where a thread is. */
export type ThreadPlace =
	/** In JavaScript code. The innermost frame comes first; there is at least one. */
	| { readonly type: "javascript"; readonly stack: readonly Frame[] }
	/**
	 * In no code: it waits for something asynchronous. `waitsFor`: how many of what are open, in Node.js's words, if it has
	 * answered.
	 */
	| { readonly type: "idle"; readonly waitsFor?: Readonly<Record<string, number>> }
	/** In native code, or starved: it did not answer. This is what /proc shows. */
	| ({ readonly type: "native" } & KernelState);

/** The parts of V8's profile format that are used here. */
export interface Profile {
	readonly nodes: readonly ProfileNode[];
	/** Ids of nodes, in the order of time. */
	readonly samples?: readonly number[];
}

interface ProfileNode {
	readonly id: number;
	/** `lineNumber` is 0-based. */
	readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
	readonly children?: readonly number[];
	/** Samples by line, 1-based, of this function alone. */
	readonly positionTicks?: readonly { line: number; ticks: number }[];
}

/** How long a profile lasts: a few samples, one a millisecond, are enough. */
const SAMPLING_MS = 15;
const STACK_FRAMES = 10;

/**
 * @param task The thread's folder below /proc, if it is known.
 * @param ms Longest time to take, in milliseconds.
 */
export async function locateThread(
	worker: Worker,
	task: string | undefined,
	ms: number,
): Promise<ThreadPlace | undefined> {
	const end = monotonicMs() + ms;
	// Read before the waits below: by their end the thread may have moved on.
	const kernel = task === undefined ? undefined : readKernelState(task);
	let seen: ThreadPlace | undefined;
	if (await takeTurn(ms)) {
		const leftMs = Math.max(0, end - monotonicMs());
		const profiled = profile(worker, leftMs).then(
			(place) => {
				seen = place;
			},
			// The thread ended meanwhile.
			() => {},
		);
		await within(profiled, leftMs);
		endTurn();
	}
	if (seen || !kernel) return seen;
	// The event loop's own wait is not native code of the job.
	return kernel.call?.startsWith("epoll_") ? { type: "idle" } : { type: "native", ...kernel };
}

async function profile(worker: Worker, ms: number): Promise<ThreadPlace | undefined> {
	// Node.js 24.8 and later.
	if (typeof worker.startCpuProfile !== "function" || ms === 0) return undefined;
	// Lets the late threads that are not profiled be killed first: processor time may be short.
	await new Promise(setImmediate);
	// V8 takes the samples from a thread of its own.
	if (!hasRoomForThreads()) return undefined;
	const handle = await worker.startCpuProfile({ sampleInterval: 1 });
	await new Promise((resolve) => setTimeout(resolve, Math.min(SAMPLING_MS, ms / 3)));
	return readProfile(JSON.parse(await handle.stop()));
}

/** The stack in which the thread was seen most often. */
export function readProfile({ nodes, samples = [] }: Profile): ThreadPlace | undefined {
	const parents = new Map<number, ProfileNode>();
	for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
	const seen = new Map<number, number>();
	for (const id of samples) seen.set(id, (seen.get(id) ?? 0) + 1);
	// The profiler has nodes of its own, such as `(garbage collector)`. Only `(idle)` of them is a place.
	const places = nodes.filter(({ callFrame: { functionName: name } }) => name === "(idle)" || !/^\(\w.*\)$/.test(name));
	const [busiest] = places.sort((a, b) => (seen.get(b.id) ?? 0) - (seen.get(a.id) ?? 0));
	if (!busiest || !seen.has(busiest.id)) return undefined;
	if (busiest.callFrame.functionName === "(idle)") return { type: "idle" };

	const stack: Frame[] = [];
	for (let node: ProfileNode | undefined = busiest; node && stack.length < STACK_FRAMES; node = parents.get(node.id))
		if (node.callFrame.functionName !== "(root)") stack.push(frameOf(node, node === busiest));
	return { type: "javascript", stack };
}

function frameOf({ callFrame, positionTicks = [] }: ProfileNode, innermost: boolean): Frame {
	const [busiest] = positionTicks.toSorted((a, b) => b.ticks - a.ticks);
	return {
		function: callFrame.functionName || "(anonymous)",
		file: callFrame.url.replace(/^file:\/\//, ""),
		line: innermost && busiest ? busiest.line : callFrame.lineNumber + 1,
	};
}

/**
 * Threads that are profiled at once. A profile takes milliseconds of processor time: if a hundred threads are late
 * together, only a few can be profiled in time. It is better to end the others at once, which frees the processors.
 */
const TURNS = 4;
const MAX_WAITING = 8;
let free = TURNS;
const waiting = new Set<() => void>();

/** @returns `false` if no turn came within `ms` milliseconds, or if too many threads wait for one. */
async function takeTurn(ms: number): Promise<boolean> {
	if (free > 0) {
		free--;
		return true;
	}
	if (waiting.size >= MAX_WAITING) return false;
	const { promise, resolve } = Promise.withResolvers<void>();
	waiting.add(resolve);
	await within(promise, ms);
	// endTurn() removes those that get a turn.
	return !waiting.delete(resolve);
}

function endTurn(): void {
	const [next] = waiting;
	if (next) {
		waiting.delete(next);
		next();
	} else free++;
}

/** More than one: room for a single thread may only be what another process gave up just now, and will take again. */
const TRIED_THREADS = 4;
/** How long each of them sleeps, so that all exist at once. */
const SLEEP_US = 1_000n;
/** Threads that are located within this time share one try: on a starved machine each try takes a long time. */
const SAME_MOMENT_MS = 50;
let hadRoom = true;
let triedAt = Number.NEGATIVE_INFINITY;

/**
 * Whether the kernel would let us have more threads: V8 aborts the whole process if its profiler gets none. There are
 * several limits (`--pids-limit` is one). Only a try covers them all (pthread_create(3) → EAGAIN), in a millisecond.
 *
 * @returns `true` if no try is possible.
 */
function hasRoomForThreads(): boolean {
	if (monotonicMs() - triedAt > SAME_MOMENT_MS) {
		hadRoom = attempt(tryThreads) ?? true;
		triedAt = monotonicMs();
	}
	return hadRoom;
}

function tryThreads(): boolean | undefined {
	const ffi = foreignFunctions();
	if (!ffi) return undefined;
	const create = ffi.bind("pthread_create", "int", ["pointer", "pointer", "pointer", "ulong"]);
	const join = ffi.bind("pthread_join", "int", ["ulong", "pointer"]);
	const routine = ffi.symbol("usleep");
	const id = Buffer.alloc(8);
	const threads: bigint[] = [];
	while (threads.length < TRIED_THREADS && create(ffi.address(id), 0n, routine, SLEEP_US) === 0)
		threads.push(id.readBigUInt64LE());
	for (const thread of threads) join(thread, 0n);
	return threads.length === TRIED_THREADS;
}
