/**
 * Real-time signals, and room for a storm of signals: what libuv can do and Node.js does not offer. libuv's functions
 * are symbols of the node binary. They call back in a turn of the event loop, not in the signal handler.
 */
import { type ForeignFunctions, foreignFunctions } from "../ffi/ffi.ts";
import { pipesToSelf } from "../spawn/descriptors.ts";

const UV_SIGNAL = 16; // of uv_handle_type
/** glibc keeps 32 and 33 for its threads. musl keeps 34 as well: there uv_signal_start(34) fails without harm. */
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
	// libuv does not tell which pipe it is. There is only one other.
	for (const fd of pipesToSelf()) fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
}
