/**
 * The flag of a process: the same words as a thread's flag, in memory that both the init and the process map.
 *
 * The process inherits two descriptors: the memory, and one end of a socket. A byte arrives there when the flag is
 * raised, for code that waits for descriptors. The process's environment has the numbers of both.
 *
 * Invariant: the memory exists before the process starts, so a process that maps it late sees a raised flag. The init
 * raises the flag, then reads `mapped`; the process sets `mapped`, then reads the flag. All accesses are sequentially
 * consistent, so a process that gets no signal sees the flag.
 */
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { MAX_DURATION_MS } from "../base/time.ts";
import { createSharedMemory, mapSharedMemory, type NewMemory, type SharedMemory } from "../os/ffi/shared-memory.ts";
import { DOWN, Flag, type FlagWaiter, isSigned, MEMORY_BYTES, sign, UP, WORDS } from "./context.ts";
import { beat } from "./heartbeat.ts";

const FLAG_FD = "LASTCALL_FLAG_FD";
const WAKE_FD = "LASTCALL_WAKE_FD";

/** The init's side. */
export class ProcessFlag {
	/** The words of the memory. The process may write anything there, at any time. */
	readonly words: Int32Array;
	readonly #shared: NewMemory;
	#wake: Duplex | undefined;
	/** Whether our descriptor is open. */
	#isOpen = true;

	private constructor(shared: NewMemory) {
		this.#shared = shared;
		this.words = shared.words;
		sign(this.words);
	}

	/** `undefined` if no binding loads, or if the kernel refuses. */
	static create(): ProcessFlag | undefined {
		const shared = createSharedMemory(MEMORY_BYTES);
		return shared && new ProcessFlag(shared);
	}

	/** The two consecutive descriptors that the process inherits. */
	get descriptors(): readonly [flag: number, wake: "pipe"] {
		return [this.#shared.descriptor, "pipe"];
	}

	/** Call this once the process has its own copies of the descriptors. */
	started(wake: Duplex): void {
		this.#closeDescriptor();
		// A write fails when the process has ended. Nobody reads what the process writes to its end.
		this.#wake = wake.on("error", () => {}).resume();
	}

	/** Wakes the event loop of a job function that answers the init. An unread byte wakes it as well as a new one. */
	poke(): void {
		if (this.#wake?.writable && this.#wake.writableLength === 0) this.#wake.write("\n");
	}

	/** @returns Whether the process has mapped its flag, and so sees it without a signal. */
	raise(): boolean {
		Atomics.store(this.words, WORDS.flag, UP);
		this.#shared.wake(WORDS.flag);
		// The end of the stream keeps the descriptor readable, even after somebody has read the byte.
		if (this.#wake?.writable) this.#wake.end("\n");
		return Atomics.load(this.words, WORDS.mapped) === 1;
	}

	close(): void {
		this.#closeDescriptor();
		this.#wake?.destroy();
	}

	#closeDescriptor(): void {
		if (this.#isOpen) closeSync(this.#shared.descriptor);
		this.#isOpen = false;
	}
}

/** The variables that name a process's descriptors. `first`: the number of the first descriptor. */
export function flagVariables(first: number): Record<string, string> {
	return { [FLAG_FD]: String(first), [WAKE_FD]: String(first + 1) };
}

/** The environment without the variables of another process's flag. */
export function withoutFlag({ [FLAG_FD]: _, [WAKE_FD]: __, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	return env;
}

/** The flag of a job function, and what its process does for the init. */
export interface FunctionFlag {
	readonly flag: Flag;
	readonly words: Int32Array;
	raise(): void;
	/** Answers each question of the init with a beat, as long as the event loop turns: see heartbeat.ts. */
	answerInit(): void;
}

/**
 * The process's side: maps the flag that its environment names, and removes the variables. In a child of this process
 * the same numbers would be other files.
 *
 * @returns `undefined` if there is no flag, or if the flag cannot be used.
 */
export function mapFlag(env: NodeJS.ProcessEnv): FunctionFlag | undefined {
	const [memory, wake] = [FLAG_FD, WAKE_FD].map((name) => Number(env[name] || Number.NaN));
	delete env[FLAG_FD];
	delete env[WAKE_FD];
	if (!Number.isInteger(memory) || !Number.isInteger(wake)) return undefined;
	const shared = mapSharedMemory(memory as number, MEMORY_BYTES);
	if (!shared || !isSigned(shared.words)) return undefined;
	const { words } = shared;
	const waiter = new ProcessWaiter(shared, wake as number);
	Atomics.store(words, WORDS.mapped, 1);
	return {
		flag: new Flag(words.buffer, waiter),
		words,
		answerInit: () => waiter.onByte(() => beat(words)),
		raise() {
			Atomics.store(words, WORDS.flag, UP);
			waiter.look();
		},
	};
}

/** Waits for a raised flag: by the futex, or by the byte on the socket. */
class ProcessWaiter implements FlagWaiter {
	readonly #shared: SharedMemory;
	readonly #descriptor: number;
	/** One promise for each wait: a promise shared by all waits would keep a reaction of each for ever. */
	readonly #waiting = new Set<() => void>();
	#socket: Socket | undefined;

	constructor(shared: SharedMemory, descriptor: number) {
		this.#shared = shared;
		this.#descriptor = descriptor;
	}

	block(ms: number): void {
		this.#shared.wait(WORDS.flag, DOWN, ms);
	}

	async wake(ms: number): Promise<void> {
		// A byte that arrived before this call is still in the socket.
		this.#socket ??= this.#listen();
		if (Atomics.load(this.#shared.words, WORDS.flag) !== DOWN) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#waiting.add(resolve);
		const timer = ms <= MAX_DURATION_MS ? setTimeout(resolve, ms) : undefined;
		await promise;
		clearTimeout(timer);
		this.#waiting.delete(resolve);
	}

	/** Ends all waits if the flag is raised. */
	look(): void {
		if (Atomics.load(this.#shared.words, WORDS.flag) !== DOWN) for (const resolve of this.#waiting) resolve();
	}

	onByte(callback: () => void): void {
		this.#socket ??= this.#listen();
		this.#socket.on("data", callback);
	}

	#listen(): Socket {
		// Not an import: a job that only reads its flag, or blocks on it, does not need the module.
		const { Socket } = process.getBuiltinModule("node:net");
		const socket = new Socket({ fd: this.#descriptor, readable: true, writable: false });
		socket.on("error", () => {});
		return socket.on("data", () => this.look());
	}
}
