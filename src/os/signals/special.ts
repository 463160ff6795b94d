/**
 * Signals to which Node.js cannot listen: the real-time ones, and those of a fault. Also: room for a storm of signals.
 *
 * libuv has functions for such signals, and the node binary exports these. Our callback runs in a turn of the event
 * loop, not in the signal handler.
 */
import { constants } from "node:os";
import { type ForeignFunctions, foreignFunctions } from "../ffi/ffi.ts";
import { pipesToSelf } from "../spawn/descriptors.ts";
import { listenForGood } from "./listen.ts";
import { arm64, makePage, x64 } from "./machine-code.ts";

const UV_SIGNAL = 16; // of uv_handle_type
/** glibc keeps 32 and 33 for its threads. musl keeps 34 as well: there uv_signal_start(34) fails without harm, and 34 is not passed on. */
const FIRST = 34;
const LAST = 64;

/** libuv keeps the addresses of the handles for as long as the process lives. */
let handles: Buffer | undefined;

export function listenToRealTime(ffi: ForeignFunctions, deliver: (number: number) => void): void {
	if (handles) return;
	const init = ffi.bind("uv_signal_init", "int", ["pointer", "pointer"]);
	const start = ffi.bind("uv_signal_start", "int", ["pointer", "pointer", "int"]);
	const unref = ffi.bind("uv_unref", "void", ["pointer"]);
	// The loop of the main thread.
	const loop = ffi.bind("uv_default_loop", "pointer", [])();
	const size = Number(ffi.bind("uv_handle_size", "ulong", ["int"])(UV_SIGNAL));

	const callback = ffi.callback((_handle, number) => deliver(number));
	handles = Buffer.alloc(size * (LAST - FIRST + 1));
	let handle = ffi.address(handles);
	for (let number = FIRST; number <= LAST; number++, handle += BigInt(size)) {
		init(loop, handle);
		start(handle, callback, number);
		// Like Node.js's own listeners for signals, this one does not keep the process alive.
		unref(handle);
	}
}

const F_SETPIPE_SZ = 1031;
/** Room for 16,384 signals. Not the allowed mebibyte: the sum over all pipes of a user is limited, too (pipe(7)). */
const PIPE_SIZE = 256 * 1024;

/**
 * Makes room for a storm of signals. libuv's handler writes each signal into a pipe that the event loop reads. When the
 * pipe is full the signal is dropped in silence, be it a queued real-time signal or the platform's SIGTERM. By default
 * the pipe holds 4,096 signals, which can be sent in 5 ms.
 *
 * Best effort: if the kernel refuses, or /proc is hidden, nothing changes. Call it after the first listener was added.
 */
export function widenSignalPipe(ffi: ForeignFunctions | undefined = foreignFunctions()): void {
	if (!ffi) return;
	const fcntl = ffi.bind("fcntl", "int", ["int", "int", "int"]);
	// libuv does not tell which pipe is the one. Node.js has only one other pipe to itself: that is widened, too.
	for (const fd of pipesToSelf()) fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
}

export const FAULTS = ["SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGSYS"] as const;

/** struct sigaction of glibc and musl: the handler, 128 bytes for the mask, sa_flags. */
const SIZEOF_SIGACTION = 152;
const FLAGS_OFFSET = 136;
const SA_SIGINFO = 4;

/** `si_code > 0 ? signal(number, SIG_DFL) : handler(number)`. Both addresses are in `data`, the handler's first. */
const MACHINES: Readonly<Record<string, (data: bigint) => Buffer>> = {
	x64: (data) =>
		x64(data, [
			"83 7e 08 00", // cmp dword [rsi + 8], 0
			"7e 05", // jle handler
			"31 f6", // xor esi, esi
			"ff 60 08", // jmp [rax + 8]
			"ff 20", // handler: jmp [rax]
		]),
	arm64: (data) =>
		arm64(data, [
			0xb9400822, // ldr w2, [x1, #8]
			0x7100005f, // cmp w2, #0
			0x5400006d, // b.le handler
			0xd2800001, // mov x1, #0
			0x91002129, // add x9, x9, #8
			0xf9400129, // handler: ldr x9, [x9]
			0xd61f0120, // br x9
			0xd503201f, // nop
		]),
};

/** The machine code may read it at any time. */
const data = Buffer.alloc(16);

/**
 * Listens to signals of a fault (SIGSEGV, SIGABRT, …) that somebody sends. libuv's handler alone would loop for ever on
 * a fault of our own: when the handler returns, the same instruction faults again. So a few bytes of machine code run
 * before it. For a signal that the kernel raised itself (si_code above 0) they restore the default action, and the
 * second fault ends the process. Does nothing where a policy refuses pages with machine code.
 */
export function listenToFaults(ffi: ForeignFunctions, deliver: (signal: NodeJS.Signals) => void): void {
	const code = MACHINES[process.arch]?.(ffi.address(data));
	const page = code && makePage(ffi, code);
	if (page === undefined) return;
	data.writeBigUInt64LE(ffi.symbol("signal"), 8);
	const sigaction = ffi.bind("sigaction", "int", ["int", "pointer", "pointer"]);
	const action = Buffer.alloc(SIZEOF_SIGACTION);
	const address = ffi.address(action);
	for (const signal of FAULTS) {
		listenForGood(signal, () => deliver(signal));
		const number = constants.signals[signal];
		sigaction(number, 0n, address);
		// libuv has one handler for all signals.
		action.copy(data, 0, 0, 8);
		action.writeBigUInt64LE(page);
		action.writeInt32LE(action.readInt32LE(FLAGS_OFFSET) | SA_SIGINFO, FLAGS_OFFSET);
		sigaction(number, address, 0n);
	}
}
