/**
 * Where a thread is, found from the main thread without stopping either.
 *
 * A CPU profile of a few milliseconds names function and line while JavaScript runs. In native code the thread never
 * answers the request for one; then the kernel's view of it is all there is. Neither blocks the main thread, as a
 * diagnostic report would, for as long as the native call lasts.
 *
 * V8's profiler does not know code that has replaced a function's while its loop was running (on-stack replacement). Such
 * a function is missing, and its caller stands innermost, with the line of the call: near enough to find it.
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
	/** 1-based. Of the innermost frame the line that runs, of all others the one where the function begins. */
	readonly line?: number;
}

/** Where a thread is. */
export type ThreadPlace =
	/** In JavaScript code. The innermost frame comes first; there is at least one. */
	| { readonly type: "javascript"; readonly stack: readonly Frame[] }
	/** In no code: it waits for something asynchronous. */
	| { readonly type: "idle" }
	/** In native code, or starved: it gave no answer. This is what /proc shows. */
	| ({ readonly type: "native" } & KernelState);

/** How long to look: a few samples, one a millisecond, are enough. */
const SAMPLING_MS = 15;
const STACK_FRAMES = 10;

interface ProfileNode {
	readonly id: number;
	readonly callFrame: {
		readonly functionName: string;
		readonly url: string;
		/** 0-based. */
		readonly lineNumber: number;
	};
	readonly children?: readonly number[];
	/** Samples by line, 1-based, of this very function. */
	readonly positionTicks?: readonly { line: number; ticks: number }[];
}

/** A profile as V8 writes it; only what is used here. */
export interface Profile {
	readonly nodes: readonly ProfileNode[];
	/** Ids of nodes, in the order of time. */
	readonly samples?: readonly number[];
}

/**
 * @param task The thread's folder below /proc, if it is known.
 * @param ms Longest time it may take.
 */
export async function locateThread(
	worker: Worker,
	task: string | undefined,
	ms: number,
): Promise<ThreadPlace | undefined> {
	const end = monotonicMs() + ms;
	// The state of this moment: by the end of the waits below it may have moved on.
	const kernel = task === undefined ? undefined : readKernelState(task);
	let seen: ThreadPlace | undefined;
	if (await takeTurn(ms)) {
		const leftMs = Math.max(0, end - monotonicMs());
		// Rejects when the thread ends meanwhile.
		const taken = takeProfile(worker, leftMs).then(
			(json) => {
				seen = attempt(() => json && readProfile(JSON.parse(json))) || undefined;
			},
			() => {},
		);
		await within(taken, leftMs);
		endTurn();
	}
	return seen ?? (kernel && fromKernel(kernel));
}

/**
 * A profile takes the thread milliseconds of processor time. Of a hundred threads that are late together few can be looked at
 * in time: the others are better ended at once, which leaves the processors to these.
 */
const TURNS = 4;
const MAX_WAITING = 8;
let free = TURNS;
const waiting = new Set<() => void>();

/** @returns Whether it has a turn; otherwise none came within `ms`, or too many wait for one. */
async function takeTurn(ms: number): Promise<boolean> {
	if (free > 0) {
		free--;
		return true;
	}
	if (waiting.size >= MAX_WAITING) return false;
	let isMine = false;
	const { promise, resolve } = Promise.withResolvers<void>();
	const take = () => {
		isMine = true;
		resolve();
	};
	waiting.add(take);
	await within(promise, ms);
	waiting.delete(take);
	return isMine;
}

function endTurn(): void {
	const [next] = waiting;
	if (!next) {
		free++;
		return;
	}
	waiting.delete(next);
	next();
}

/** The event loop's own wait is no native code of the job's. */
function fromKernel(kernel: KernelState): ThreadPlace {
	return kernel.call?.startsWith("epoll_") ? { type: "idle" } : { type: "native", ...kernel };
}

async function takeProfile(worker: Worker, ms: number): Promise<string | undefined> {
	// Node.js 24.8 and later.
	if (typeof worker.startCpuProfile !== "function" || ms === 0) return undefined;
	// First those are ended that get no turn: there may be little processor time.
	await new Promise(setImmediate);
	// It samples from a thread of its own.
	if (!hasRoomForThreads()) return undefined;
	const handle = await worker.startCpuProfile({ sampleInterval: 1 });
	await new Promise((resolve) => setTimeout(resolve, Math.min(SAMPLING_MS, ms / 3)));
	return handle.stop();
}

/** The stack in which the thread was seen most often. */
export function readProfile({ nodes, samples = [] }: Profile): ThreadPlace | undefined {
	const parents = new Map<number, ProfileNode>();
	for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
	const seen = new Map<number, number>();
	for (const id of samples) seen.set(id, (seen.get(id) ?? 0) + 1);
	const busiest = nodes.filter(isPlace).sort((a, b) => (seen.get(b.id) ?? 0) - (seen.get(a.id) ?? 0))[0];
	if (!busiest || !seen.has(busiest.id)) return undefined;
	if (busiest.callFrame.functionName === "(idle)") return { type: "idle" };

	const stack: Frame[] = [];
	for (let node: ProfileNode | undefined = busiest; node && stack.length < STACK_FRAMES; node = parents.get(node.id))
		if (node.callFrame.functionName !== "(root)") stack.push(frameOf(node, node === busiest));
	return { type: "javascript", stack };
}

/** Of the profiler's own names only `(idle)` is a place to be in. */
function isPlace({ callFrame: { functionName } }: ProfileNode): boolean {
	return functionName === "(idle)" || !/^\(\w.*\)$/.test(functionName);
}

function frameOf({ callFrame, positionTicks = [] }: ProfileNode, innermost: boolean): Frame {
	const { functionName, url, lineNumber } = callFrame;
	const [busiest] = positionTicks.toSorted((a, b) => b.ticks - a.ticks);
	return {
		function: functionName || "(anonymous)",
		file: url.replace(/^file:\/\//, ""),
		line: innermost && busiest ? busiest.line : lineNumber + 1,
	};
}

// ==== from thread-room.ts

/** Whether the kernel would let us have more threads: a limit of processes (`--pids-limit`) counts them, too. */

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
	const create = ffi.bind("pthread_create", "int", ["pointer", "pointer", "pointer", "ulong"]);
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
