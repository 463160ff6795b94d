/**
 * Room for a storm of signals. libuv's handler writes each signal into a pipe that the event loop reads; when that is full
 * the signal is dropped in silence, be it a real-time signal that was queued, or the SIGTERM of the platform. As it comes it
 * holds 4,096 of them, which somebody can send in 5 ms.
 */
import { pipesToSelf } from "./descriptors.ts";
import { type ForeignFunctions, foreignFunctions } from "./ffi.ts";

const F_SETPIPE_SZ = 1031;
/** 16,384 signals. Not the mebibyte that one may have: what all pipes of a user hold together is limited, too (pipe(7)). */
const BYTES = 256 * 1024;

/** Best effort: where it is refused, or /proc is hidden, everything is as it was. To be called once signals are listened to. */
export function widenSignalPipe(
	ffi: ForeignFunctions | undefined = foreignFunctions(),
): void {
	if (!ffi) return;
	const fcntl = ffi.bind("fcntl", "int", ["int", "int", "int"]);
	// Which of them it is libuv does not tell; there is one other.
	for (const fd of pipesToSelf()) fcntl(fd, F_SETPIPE_SZ, BYTES);
}
