/**
 * The last resort: ends the process at a given moment, whatever its threads are doing, and says why.
 *
 * Two POSIX timers send a real-time signal each. The handlers are a few bytes of machine code: they run no JavaScript,
 * start no thread (the process limit may be reached) and allocate no memory. One writes a message to standard error,
 * the other calls exit_group(2). The kernel chooses the thread. A handler interrupts whatever that thread is doing.
 *
 * The clock runs on while the container is frozen (docker pause). So each timer sends its signal several times, and the
 * handlers count. After the thaw all signals of a timer that were due arrive as one, and the process still has most of
 * `graceMs` (see arm()) to end by itself.
 *
 * Invariants:
 * - The handlers touch nothing but `data`, which stays referenced.
 * - Standard error may be a full pipe. Then the write blocks its thread. The exit signal interrupts that write.
 * - The message is in memory before it is needed, and is replaced in place: the caller keeps it true.
 * - The timers are made by raw system calls: before 2.34 glibc has timer_create() in a library that Node.js does not
 *   load.
 */
import { attempt } from "../../base/errors.ts";
import { bindSyscall, type ForeignFunctions, foreignFunctions } from "../ffi/ffi.ts";
import { arm64, makePage, x64 } from "./machine-code.ts";

/**
 * The message comes this long before the exit. The two signals must not be pending together: of two pending signals the
 * handler of the higher number, here that of the exit, runs first.
 */
const SPEAK_MS = 100;
// Not the last ones: under qemu (docker run --platform) signal(2) succeeds for them, but no signal ever comes.
const SPEAK_SIGNAL = 50;
const EXIT_SIGNAL = 51;
const SIG_IGN = 1n;

const CLOCK_MONOTONIC = 1n;
const SIGEV_SIGNAL = 0;
const SIZEOF_SIGEVENT = 64;
const SIGEV_SIGNO_OFFSET = 8; // behind sigev_value
const SIGEV_NOTIFY_OFFSET = 12;
const SIZEOF_ITIMERSPEC = 32;
const IT_INTERVAL_OFFSET = 0;
const IT_VALUE_OFFSET = 16;

/** `data`: exit code, length of the message, signals each handler still waits for, 4 bytes each; then the message. */
const CODE_OFFSET = 0;
const LENGTH_OFFSET = 4;
const EXIT_TICKS_OFFSET = 8;
const SPEAK_TICKS_OFFSET = 12;
const MESSAGE_OFFSET = 16;
const MAX_MESSAGE = 2_048;

/** A handler acts on this signal of its timer, counted from 1. The timer repeats until it is disarmed. */
const EXIT_TICKS = 8;
/** One less: whichever timer fires first after a thaw, the message comes before the exit. */
const SPEAK_TICKS = EXIT_TICKS - 1;

/** What depends on the processor architecture: numbers of system calls, and the handlers' code. */
interface Machine {
	readonly timerCreate: bigint;
	readonly timerSettime: bigint;
	/** The handler that counts, then calls `write(2, message, length)`. `data` is the address of its data. */
	speak(data: bigint): Buffer;
	/** The handler that counts, then calls `exit_group(code)`. */
	exit(data: bigint): Buffer;
}

export const MACHINES: Readonly<Record<string, Machine>> = {
	x64: {
		timerCreate: 222n,
		timerSettime: 223n,
		speak: (data) =>
			x64(data, [
				"83 68 0c 01", // sub dword [rax + 12], 1
				"75 13", // jne ret
				"8b 50 04", // mov edx, [rax + 4]
				"48 8d 70 10", // lea rsi, [rax + 16]
				"bf 02 00 00 00", // mov edi, 2
				"b8 01 00 00 00", // mov eax, SYS_write
				"0f 05", // syscall
				"c3", // ret
			]),
		exit: (data) =>
			x64(data, [
				"83 68 08 01", // sub dword [rax + 8], 1
				"7f 09", // jg ret
				"8b 38", // mov edi, [rax]
				"b8 e7 00 00 00", // mov eax, SYS_exit_group
				"0f 05", // syscall
				"c3", // ret
			]),
	},
	arm64: {
		timerCreate: 107n,
		timerSettime: 110n,
		speak: (data) =>
			arm64(data, [
				0xb9400d21, // ldr w1, [x9, #12]
				0x71000421, // subs w1, w1, #1
				0xb9000d21, // str w1, [x9, #12]
				0x540000c1, // b.ne ret
				0xb9400522, // ldr w2, [x9, #4]
				0x91004121, // add x1, x9, #16
				0xd2800040, // mov x0, #2
				0xd2800808, // mov x8, #SYS_write
				0xd4000001, // svc #0
				0xd65f03c0, // ret
			]),
		exit: (data) =>
			arm64(data, [
				0xb9400921, // ldr w1, [x9, #8]
				0x71000421, // subs w1, w1, #1
				0xb9000921, // str w1, [x9, #8]
				0x5400008c, // b.gt ret
				0xb9400120, // ldr w0, [x9]
				0xd2800bc8, // mov x8, #SYS_exit_group
				0xd4000001, // svc #0
				0xd65f03c0, // ret
			]),
	},
};

export type Guard = ReturnType<typeof makeGuard>;

/** `null`: guard() was not called yet. `undefined`: there can be no guard. */
let made: Guard | undefined | null = null;

/** Makes the guard of this process on the first call. `undefined` without foreign functions, or on another processor. */
export function guard(): Guard | undefined {
	if (made === null)
		made = attempt(() => {
			const ffi = foreignFunctions();
			const machine = MACHINES[process.arch];
			return ffi && machine && makeGuard(ffi, machine);
		});
	return made;
}

/**
 * Calls `process.exit()`, which waits for threads and exit listeners. The guard ends that wait after `ms` milliseconds.
 * Without a guard it has no bound.
 */
export function exitGuarded(ms: number, code: number, message: string): never {
	guard()?.say(message, code);
	guard()?.arm(ms);
	process.exit(code);
}

/** Buffers whose addresses the kernel or a handler has: the garbage collector must never take them. */
const referenced: Buffer[] = [];

function makeGuard(ffi: ForeignFunctions, machine: Machine) {
	const data = Buffer.alloc(MESSAGE_OFFSET + MAX_MESSAGE);
	referenced.push(data);
	const counts = installHandlers(ffi, machine, ffi.address(data));
	const setSpeak = makeTimer(ffi, machine, SPEAK_SIGNAL);
	const setExit = makeTimer(ffi, machine, EXIT_SIGNAL);
	return {
		/** Replaces the message and the exit code. */
		say(message: string, code: number): void {
			// First the length 0: a handler that runs in between must not write half a message.
			data.writeUInt32LE(0, LENGTH_OFFSET);
			data.writeUInt32LE(code & 0xff, CODE_OFFSET);
			const length = data.write(`${message}\n`, MESSAGE_OFFSET);
			data.writeUInt32LE(length, LENGTH_OFFSET);
		},
		/**
		 * Replaces the moment of the exit.
		 *
		 * @param ms Milliseconds from now until the exit.
		 * @param speakMs The message comes this many milliseconds before the exit. @default 100
		 * @param graceMs The signals are spread over this many milliseconds before the exit. After a freeze that began
		 * earlier and lasted beyond the moment, the process still has at least 5/7 of this time. @default `ms / 2`
		 */
		arm(ms: number, speakMs = SPEAK_MS, graceMs = ms / 2): void {
			data.writeInt32LE(EXIT_TICKS, EXIT_TICKS_OFFSET);
			data.writeInt32LE(SPEAK_TICKS, SPEAK_TICKS_OFFSET);
			// The last signal for the exit comes at the moment itself, the first one `graceMs` before.
			const intervalMs = counts ? Math.max(graceMs / (EXIT_TICKS - 1), 0.1) : 0;
			setExit(Math.max(ms - intervalMs * (EXIT_TICKS - 1), 1), intervalMs);
			setSpeak(Math.max(ms - speakMs - intervalMs * (SPEAK_TICKS - 1), 1), intervalMs);
		},
		disarm(): void {
			setSpeak(0, 0);
			setExit(0, 0);
		},
	};
}

/**
 * Installs the handlers. Where a security policy (SELinux) forbids executable pages, there is no message, and _exit()
 * itself is the handler of the exit: the exit code is the signal's number, 51.
 *
 * @returns Whether the handlers count.
 */
function installHandlers(ffi: ForeignFunctions, machine: Machine, data: bigint): boolean {
	// The same signature as in listen.ts: node:ffi accepts only one for each symbol.
	const signal = ffi.bind("signal", "ulong", ["int", "pointer"]);
	const speak = machine.speak(data);
	const page = makePage(ffi, Buffer.concat([speak, machine.exit(data)]));
	signal(SPEAK_SIGNAL, page ?? SIG_IGN);
	signal(EXIT_SIGNAL, page === undefined ? ffi.symbol("_exit") : page + BigInt(speak.length));
	return page !== undefined;
}

/**
 * Makes a timer that sends a signal to the process.
 *
 * @returns Sets the timer: milliseconds until the first signal (0 stops the timer), and between signals (0 sends only
 * one).
 */
function makeTimer(ffi: ForeignFunctions, machine: Machine, signal: number): (ms: number, intervalMs: number) => void {
	const syscall = bindSyscall(ffi);
	const event = Buffer.alloc(SIZEOF_SIGEVENT);
	event.writeInt32LE(signal, SIGEV_SIGNO_OFFSET);
	event.writeInt32LE(SIGEV_SIGNAL, SIGEV_NOTIFY_OFFSET);
	const id = Buffer.alloc(8);
	const spec = Buffer.alloc(SIZEOF_ITIMERSPEC);
	referenced.push(event, id, spec);
	const created = syscall(machine.timerCreate, CLOCK_MONOTONIC, ffi.address(event), ffi.address(id), 0n);
	if (BigInt(created) !== 0n) throw new Error("timer_create(2) failed");
	const timer = BigInt(id.readInt32LE(0));
	const write = (ms: number, offset: number) => {
		spec.writeBigInt64LE(BigInt(Math.floor(ms / 1_000)), offset);
		spec.writeBigInt64LE(BigInt(Math.floor((ms % 1_000) * 1e6)), offset + 8);
	};
	return (ms, intervalMs) => {
		write(intervalMs, IT_INTERVAL_OFFSET);
		write(ms, IT_VALUE_OFFSET);
		syscall(machine.timerSettime, timer, 0n, ffi.address(spec), 0n);
	};
}
