/** What the kernel tells about one thread or process, without stopping it: its state, and the signal that ended it. */
import { closeSync, readFileSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import { bindSyscall, foreignFunctions } from "../ffi/ffi.ts";
import { signalName } from "../signals/names.ts";

export interface KernelState {
	/** One letter: `R`unning, `S`leeping, `D` (uninterruptible), `T` (stopped), …: proc_pid_stat(5). */
	readonly state: string;
	/** Name of the system call it waits in, or `system call 123`: proc_pid_syscall(5). */
	readonly call?: string;
	/** Kernel function it sleeps in: proc_pid_wchan(5). */
	readonly waitsIn?: string;
}

/** The system calls in which a thread can wait for a long time. Each architecture has its own numbers. */
export const SYSCALLS: Readonly<Record<string, string>> = {
	x64: `0 read 1 write 2 open 3 close 7 poll 16 ioctl 17 pread64 18 pwrite64 19 readv 20 writev 23 select 34 pause
		35 nanosleep 42 connect 43 accept 44 sendto 45 recvfrom 46 sendmsg 47 recvmsg 56 clone 58 vfork 61 wait4 72 fcntl
		73 flock 74 fsync 75 fdatasync 128 rt_sigtimedwait 130 rt_sigsuspend 202 futex 219 restart_syscall
		230 clock_nanosleep 232 epoll_wait 247 waitid 257 openat 270 pselect6 271 ppoll 281 epoll_pwait 288 accept4
		426 io_uring_enter 435 clone3 441 epoll_pwait2`,
	arm64: `22 epoll_pwait 25 fcntl 29 ioctl 32 flock 56 openat 57 close 63 read 64 write 65 readv 66 writev 67 pread64
		68 pwrite64 72 pselect6 73 ppoll 82 fsync 83 fdatasync 95 waitid 98 futex 101 nanosleep 115 clock_nanosleep
		128 restart_syscall 133 rt_sigsuspend 137 rt_sigtimedwait 202 accept 203 connect 206 sendto 207 recvfrom
		211 sendmsg 212 recvmsg 220 clone 242 accept4 260 wait4 426 io_uring_enter 435 clone3 441 epoll_pwait2`,
};

export const SYS_PIDFD_OPEN = 434n;
const PIDFD_GET_INFO = 0xc040_ff0bn;
/** Bit of `mask` in struct pidfd_info: requests the wait status, and confirms that it is there. */
const PIDFD_INFO_EXIT = 8n;
const SIZEOF_PIDFD_INFO = 64;
const EXIT_CODE_OFFSET = 60;
const MAX_DESCRIPTOR = 0x7fff_ffff;

/**
 * @param task `PID`, or `PID/task/TID`: a folder of /proc.
 * @returns `undefined` if the thread or process is gone, or if we may not see it.
 */
export function readKernelState(task: string): KernelState | undefined {
	const read = (file: string) => attempt(() => readFileSync(`/proc/${task}/${file}`, "latin1").trim());
	const stat = read("stat");
	if (!stat) return undefined;
	// No number: "running" (it is on a processor), or "-1 …" (it waits, but not in a system call).
	const number = /^\d+/.exec(read("syscall") ?? "")?.[0];
	const wchan = read("wchan");
	return {
		state: stat.charAt(stat.lastIndexOf(")") + 2),
		...(number && { call: nameOfSyscall(number) }),
		// "0": it does not sleep, or we may not know.
		...(wchan && wchan !== "0" && { waitsIn: wchan }),
	};
}

function nameOfSyscall(number: string): string {
	const entry = new RegExp(`\\b${number} (\\w+)`).exec(SYSCALLS[process.arch] ?? "");
	return entry?.[1] ?? `system call ${number}`;
}

/**
 * Watches for the signal that ends a child of libuv. Node.js has no name for a real-time signal, and reports such a
 * death as exit code 0. libuv collects the child before any JavaScript runs, but a pidfd keeps its status (Linux 6.15).
 *
 * @param pid A child that libuv has not collected yet.
 * @returns A function to call once, after the child's `exit`. It returns the signal's name; `undefined` if there was no
 * signal, or if the kernel does not tell.
 */
export function watchDeathSignal(pid: number): () => string | undefined {
	const watched = attempt(() => {
		const ffi = foreignFunctions();
		if (!ffi) return undefined;
		// The same signature as in os/spawn/spawn.ts: node:ffi accepts only one for each symbol.
		const ioctl = ffi.bind("ioctl", "int", ["int", "ulong", "ulong"]);
		const pidfd = Number(bindSyscall(ffi)(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n, 0n));
		// A failure is -1, but unsigned.
		if (pidfd > MAX_DESCRIPTOR) return undefined;
		return () => {
			const info = Buffer.alloc(SIZEOF_PIDFD_INFO);
			info.writeBigUInt64LE(PIDFD_INFO_EXIT);
			const result = ioctl(pidfd, PIDFD_GET_INFO, ffi.address(info));
			closeSync(pidfd);
			if (result !== 0 || (info.readBigUInt64LE() & PIDFD_INFO_EXIT) === 0n) return undefined;
			const signal = info.readInt32LE(EXIT_CODE_OFFSET) & 0x7f;
			return signal === 0 ? undefined : signalName(signal);
		};
	});
	return watched ?? (() => undefined);
}
