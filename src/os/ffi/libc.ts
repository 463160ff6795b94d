/**
 * The C library's functions for the parent of processes that Node.js has not, each in the shape the init needs. Beside
 * spawn.ts, terminal.ts, realtime.ts, faults.ts, machine-code.ts, guard.ts, refuse.ts, memory.ts and death-signal.ts the only file that knows
 * constants and struct layouts (Linux, 64-bit).
 */
import { type ForeignFunction, type ForeignFunctions, type ForeignType, foreignFunctions } from "./ffi.ts";

const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 0x1;
const WEXITED = 0x4;
const WNOWAIT = 0x0100_0000;
const __WNOTHREAD = 0x2000_0000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
/** Of siginfo_t: si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status. */
const SI_CODE_OFFSET = 8;
const SI_PID_OFFSET = 16;
const SI_STATUS_OFFSET = 24;
const CLD_EXITED = 1;

export interface WaitStatus {
	/** Exit code, when the process ended by itself. */
	readonly code?: number;
	/** Signal number, when a signal ended it. */
	readonly signal?: number;
}

export interface Libc {
	readonly binding: ForeignFunctions["name"];
	/**
	 * Pid of a dead child that nobody has collected yet, 0 if there is none. Does not collect it: waitid(2) with WNOWAIT.
	 * Sees the calling thread's children only (__WNOTHREAD): what a worker thread spawned is invisible here, while orphans
	 * are given to the main thread by the kernel (find_new_reaper() takes the first living thread of the group).
	 * Always shows the same process until somebody collects it.
	 *
	 * @param of Look at this child only. @default all of them
	 */
	peekZombie(of?: number): number;
	/** Collects a dead child: waitpid(2) with WNOHANG. `undefined` if it is not there, or not dead. */
	reap(pid: number): (WaitStatus & { readonly pid: number }) | undefined;
	/**
	 * Collects a dead child, whichever it is: waitid(2). `undefined` if there is none. Sees the calling thread's children only,
	 * as {@link peekZombie}.
	 */
	reapAny(): (WaitStatus & { readonly pid: number }) | undefined;
	/** Whether there is any child at all, dead or alive. */
	hasChildren(): boolean;
	/** prctl(PR_SET_CHILD_SUBREAPER): orphaned descendants become our children though we are not PID 1. */
	becomeSubreaper(): boolean;
	/** prctl(PR_GET_CHILD_SUBREAPER): whether somebody has made us one before exec. */
	isSubreaper(): boolean;
	/** prctl(PR_SET_PDEATHSIG): the kernel sends us this signal when our parent has died. */
	setParentDeathSignal(signal: number): boolean;
	/** send(2) that does not wait: how many bytes the socket has taken. -1: none, or it is no socket. */
	sendNow(socket: number, bytes: Buffer): number;
	/** _exit(2): ends the process at once, even while a thread is stuck in native code, where `process.exit()` hangs. */
	exitNow(code: number): never;
}

let loaded: Libc | undefined | null = null;

/** The binding, made on the first call. `undefined` where neither node:ffi nor koffi loads, or not on Linux. */
export function libc(): Libc | undefined {
	if (loaded === null) {
		const ffi = foreignFunctions();
		loaded = ffi && bindLibc(ffi);
	}
	return loaded;
}

function bindLibc(ffi: ForeignFunctions): Libc {
	const waitid = lazy(ffi, "waitid", ["int", "int", "pointer", "int"]);
	const waitpid = lazy(ffi, "waitpid", ["int", "pointer", "int"]);
	const prctl = lazy(ffi, "prctl", ["int", "ulong", "ulong", "ulong", "ulong"]);
	const send = lazy(ffi, "send", ["int", "pointer", "ulong", "int"]);
	const _exit = lazy(ffi, "_exit", ["int"], "void");

	// Referenced by the closures below for ever: C holds nothing but their addresses.
	const info = Buffer.alloc(128);
	const status = Buffer.alloc(4);
	const infoAddress = ffi.address(info);
	const statusAddress = ffi.address(status);

	return {
		binding: ffi.name,
		peekZombie(of) {
			// Without a dead child WNOHANG returns 0 and leaves si_pid alone (waitid(2)): clear it first.
			info.writeInt32LE(0, SI_PID_OFFSET);
			const options = WEXITED | WNOHANG | WNOWAIT | __WNOTHREAD;
			return waitid(of ? P_PID : P_ALL, of ?? 0, infoAddress, options) === 0 ? info.readInt32LE(SI_PID_OFFSET) : 0;
		},
		reap(pid) {
			if (waitpid(pid, statusAddress, WNOHANG) !== pid) return undefined;
			const word = status.readInt32LE(0);
			const signal = word & 0x7f;
			return signal === 0 ? { pid, code: (word >> 8) & 0xff } : { pid, signal };
		},
		reapAny() {
			info.writeInt32LE(0, SI_PID_OFFSET);
			const options = WEXITED | WNOHANG | __WNOTHREAD;
			if (waitid(P_ALL, 0, infoAddress, options) !== 0) return undefined;
			const pid = info.readInt32LE(SI_PID_OFFSET);
			if (pid === 0) return undefined;
			const status = info.readInt32LE(SI_STATUS_OFFSET);
			return info.readInt32LE(SI_CODE_OFFSET) === CLD_EXITED ? { pid, code: status } : { pid, signal: status };
		},
		hasChildren: () => waitid(P_ALL, 0, infoAddress, WEXITED | WNOHANG | WNOWAIT) === 0,
		setParentDeathSignal: (signal) => prctl(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n) === 0,
		becomeSubreaper: () => prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0,
		isSubreaper: () => {
			status.writeInt32LE(0, 0);
			prctl(PR_GET_CHILD_SUBREAPER, statusAddress, 0n, 0n, 0n);
			return status.readInt32LE(0) !== 0;
		},
		sendNow: (socket, bytes) =>
			Number(send(socket, ffi.address(bytes), BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL)),
		exitNow(code) {
			_exit(code);
			throw new Error("_exit(2) returned");
		},
	};
}

/** Looked up on the first call: each look-up takes a fifth of a millisecond, and the program is waiting to be started. */
function lazy(
	ffi: ForeignFunctions,
	symbol: string,
	args: readonly ForeignType[],
	returns: "int" | "void" = "int",
): ForeignFunction {
	let found: ForeignFunction | undefined;
	return (...values) => {
		found ??= ffi.bind(symbol, returns, args);
		return found(...values);
	};
}
