/**
 * Which signal ended a child of libuv. Node.js has no name for a real-time signal, and reports such a death as exit code 0.
 * libuv has collected the child before any JavaScript runs, but a pidfd still tells: since Linux 6.15.
 */
import { closeSync } from "node:fs";
import { attempt } from "../errors.ts";
import { foreignFunctions } from "./ffi.ts";
import { bindSyscall } from "./syscall.ts";
import { signalName } from "./texts.ts";

const SYS_PIDFD_OPEN = 434n;
const PIDFD_GET_INFO = 0xc040_ff0bn;
/** Of `mask` in struct pidfd_info: asks for the wait status, and says that it is there. */
const PIDFD_INFO_EXIT = 8n;
const SIZEOF_PIDFD_INFO = 64;
const EXIT_CODE_OFFSET = 60;
const MAX_DESCRIPTOR = 0x7fff_ffff;

/**
 * Holds a descriptor of a child that lives, or that libuv has not collected yet.
 *
 * @returns To be called once, after the child's `exit`: the signal's name; `undefined` if the child ended by itself, or if the kernel
 * does not tell.
 */
export function watchDeathSignal(pid: number): () => string | undefined {
	const watched = attempt(() => {
		const ffi = foreignFunctions();
		if (!ffi) return undefined;
		// As os/terminal.ts has it: node:ffi takes one signature for each symbol.
		const ioctl = ffi.bind("ioctl", "int", ["int", "ulong", "ulong"]);
		const pidfd = Number(
			bindSyscall(ffi)(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n, 0n),
		);
		// A failure is -1, unsigned.
		if (pidfd > MAX_DESCRIPTOR) return undefined;
		return () => {
			const info = Buffer.alloc(SIZEOF_PIDFD_INFO);
			info.writeBigUInt64LE(PIDFD_INFO_EXIT);
			const result = ioctl(pidfd, PIDFD_GET_INFO, ffi.address(info));
			closeSync(pidfd);
			const told = info.readBigUInt64LE() & PIDFD_INFO_EXIT;
			if (result !== 0 || told === 0n) return undefined;
			const signal = info.readInt32LE(EXIT_CODE_OFFSET) & 0x7f;
			return signal === 0 ? undefined : signalName(signal);
		};
	});
	return watched ?? (() => undefined);
}
