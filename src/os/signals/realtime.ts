/**
 * Real-time signals. `process.on` does not know them, but libuv does: its functions are symbols of the node binary. The
 * callback runs in a turn of the event loop, not in the signal handler.
 */
import { type ForeignFunctions, foreignFunctions } from "../ffi/ffi.ts";
import { pipesToSelf } from "../spawn/descriptors.ts";

const UV_SIGNAL = 16; // of uv_handle_type
/** glibc keeps 32 and 33 for its threads, musl 34 as well: libuv gets an error for that and nothing happens. */
const FIRST = 34;
const LAST = 64;

/** libuv keeps the handles' addresses for as long as the process lives. */
let handles: Buffer | undefined;

export function listenToRealTime(ffi: ForeignFunctions, deliver: (number: number) => void): void {
	if (handles) return;
	const init = ffi.bind("uv_signal_init", "int", ["pointer", "pointer"]);
	const start = ffi.bind("uv_signal_start", "int", ["pointer", "pointer", "int"]);
	// Not to keep the process alive, like every other listener for signals.
	const unref = ffi.bind("uv_unref", "void", ["pointer"]);
	// The loop of the main thread.
	const loop = ffi.bind("uv_default_loop", "pointer", [])();
	const size = ffi.bind("uv_handle_size", "ulong", ["int"])(UV_SIGNAL);

	const callback = ffi.callback((_handle, number) => deliver(number));
	handles = Buffer.alloc(Number(size) * (LAST - FIRST + 1));
	let handle = ffi.address(handles);
	for (let number = FIRST; number <= LAST; number++) {
		init(loop, handle);
		start(handle, callback, number);
		unref(handle);
		handle += BigInt(size);
	}
}

// ==== from signal-pipe.ts

/**
 * Room for a storm of signals. libuv's handler writes each signal into a pipe that the event loop reads; when that is full
 * the signal is dropped in silence, be it a real-time signal that was queued, or the SIGTERM of the platform. As it comes it
 * holds 4,096 of them, which somebody can send in 5 ms.
 */

const F_SETPIPE_SZ = 1031;
/** 16,384 signals. Not the mebibyte that one may have: what all pipes of a user hold together is limited, too (pipe(7)). */
const BYTES = 256 * 1024;

/** Best effort: where it is refused, or /proc is hidden, everything is as it was. To be called once signals are listened to. */
export function widenSignalPipe(ffi: ForeignFunctions | undefined = foreignFunctions()): void {
	if (!ffi) return;
	const fcntl = ffi.bind("fcntl", "int", ["int", "int", "int"]);
	// Which of them it is libuv does not tell; there is one other.
	for (const fd of pipesToSelf()) fcntl(fd, F_SETPIPE_SZ, BYTES);
}
