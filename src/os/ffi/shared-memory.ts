/**
 * Memory that two processes share, and a futex in it: memfd_create(2), mmap(2), futex(2).
 *
 * Invariants:
 * - The size of the memory is sealed before another process gets the descriptor. Otherwise a child could shrink it, and
 *   our next access would raise SIGBUS.
 * - The memory stays mapped as long as JavaScript can reach it: an access after munmap(2) would raise SIGSEGV. So a
 *   mapping is removed only after the garbage collector has freed its buffer.
 */
import { closeSync, fstatSync, ftruncateSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { MAX_DURATION_MS, monotonicMs } from "../../base/time.ts";
import { bindSyscall, type ForeignFunctions, foreignFunctions } from "./ffi.ts";

/** The number of futex(2) on each architecture. Other architectures have no shared memory. */
export const SYS_FUTEX: Readonly<Record<string, bigint>> = { x64: 202n, arm64: 98n };
/** Without FUTEX_PRIVATE_FLAG: the waiter is in another process. */
const FUTEX_WAIT = 0n;
const FUTEX_WAKE = 1n;
const INT_MAX = 0x7fff_ffffn;

const MFD_CLOEXEC = 0x1;
const MFD_ALLOW_SEALING = 0x2;
/** Linux 6.3: nobody can execute the memory. If the administrator demands this flag, memfd_create(2) needs it. */
const MFD_NOEXEC_SEAL = 0x8;
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 0x1;
const F_SEAL_SHRINK = 0x2;
const F_SEAL_GROW = 0x4;
const PROT_READ = 0x1;
const PROT_WRITE = 0x2;
const MAP_SHARED = 0x1;
/** Addresses from here on belong to the kernel: such a result means that mmap(2) has failed. */
const USER_SPACE_END = 2n ** 63n;

export interface SharedMemory {
	readonly words: Int32Array<ArrayBuffer>;
	/** Wakes all threads that wait for a word. */
	wake(word: number): void;
	/** Blocks the thread while the word has the value, for at most `ms` milliseconds, which may be infinite. */
	wait(word: number, value: number, ms: number): void;
}

/** `descriptor`: close it once the other process has its own copy. */
export type NewMemory = SharedMemory & { readonly descriptor: number };

/**
 * Makes memory, all zeros, for another process.
 *
 * @returns `undefined` if no binding loads, or if the kernel refuses.
 */
export function createSharedMemory(bytes: number): NewMemory | undefined {
	const ffi = foreignFunctions();
	if (!ffi || !(process.arch in SYS_FUTEX)) return undefined;
	// An old C library has no memfd_create().
	return attempt(() => {
		const name = Buffer.from("lastcall-flag\0");
		const create = ffi.bind("memfd_create", "int", ["pointer", "int"]);
		const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
		let descriptor = Number(create(ffi.address(name), flags | MFD_NOEXEC_SEAL));
		if (descriptor < 0) descriptor = Number(create(ffi.address(name), flags));
		if (descriptor < 0) return undefined;
		try {
			ftruncateSync(descriptor, bytes);
			const fcntl = ffi.bind("fcntl", "int", ["int", "int", "int"]);
			if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) !== 0)
				throw new Error("The kernel does not seal memory");
			return { descriptor, ...map(ffi, descriptor, bytes) };
		} catch (error) {
			closeSync(descriptor);
			throw error;
		}
	});
}

/** Maps the memory of a descriptor. `undefined` if the memory is too small or missing, or if no binding loads. */
export function mapSharedMemory(descriptor: number, bytes: number): SharedMemory | undefined {
	const ffi = foreignFunctions();
	if (!ffi || !(process.arch in SYS_FUTEX)) return undefined;
	// An access past the end of a shorter file would raise SIGBUS.
	return attempt(() => (fstatSync(descriptor).size < bytes ? undefined : map(ffi, descriptor, bytes)));
}

/** Plain data, not closures: a closure would keep its whole scope alive, and the buffer with it. */
const mappings = new FinalizationRegistry<{ address: bigint; bytes: number }>(({ address, bytes }) => {
	foreignFunctions()?.bind("munmap", "int", ["ulong", "ulong"])(address, BigInt(bytes));
});

function map(ffi: ForeignFunctions, descriptor: number, bytes: number): SharedMemory {
	const mmap = ffi.bind("mmap", "ulong", ["ulong", "ulong", "int", "int", "int", "ulong"]);
	const address = BigInt(mmap(0n, BigInt(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0n));
	if (address === 0n || address >= USER_SPACE_END) throw new Error("The kernel does not map the memory");
	const words = new Int32Array(ffi.view(address, bytes));
	mappings.register(words.buffer, { address, bytes });
	const syscall = bindSyscall(ffi);
	const futex = SYS_FUTEX[process.arch] ?? 0n;
	const addressOf = (word: number) => address + BigInt(word * Int32Array.BYTES_PER_ELEMENT);
	// Two 64-bit numbers: seconds and nanoseconds. The closure keeps the buffer alive, because C has only its address.
	const timespec = Buffer.alloc(16);
	const timespecAddress = ffi.address(timespec);
	return {
		words,
		wake(word) {
			syscall(futex, addressOf(word), FUTEX_WAKE, INT_MAX, 0n);
		},
		wait(word, value, ms) {
			// NaN means infinite, as for Atomics.wait().
			const end = monotonicMs() + (Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms);
			// The kernel compares the word under its lock before it puts the thread to sleep, so no wake-up is lost between
			// our load and the wait. A signal also ends the wait, so load again.
			while (Atomics.load(words, word) === value) {
				const leftMs = Math.min(end - monotonicMs(), MAX_DURATION_MS);
				if (leftMs <= 0) return;
				timespec.writeBigInt64LE(BigInt(Math.floor(leftMs / 1e3)), 0);
				timespec.writeBigInt64LE(BigInt(Math.floor((leftMs % 1e3) * 1e6)), 8);
				syscall(futex, addressOf(word), FUTEX_WAIT, BigInt.asUintN(32, BigInt(value)), timespecAddress);
			}
		},
	};
}
