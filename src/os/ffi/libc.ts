/**
 * The C library's functions that an init needs and Node.js lacks. Constants and struct layouts are those of 64-bit
 * Linux.
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
const TIOCGWINSZ = 0x5413n;
/** ws_col of struct winsize. */
const COLUMNS_OFFSET = 2;
const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
/** siginfo_t: si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status; 4 bytes each. */
const SIZEOF_SIGINFO = 128;
const SI_CODE_OFFSET = 8;
const SI_PID_OFFSET = 16;
const SI_STATUS_OFFSET = 24;
const CLD_EXITED = 1;

export interface WaitStatus {
	/** The exit code, if the process ended by itself. */
	readonly code?: number;
	/** The number of the signal, if a signal ended the process. */
	readonly signal?: number;
}

type Reaped = WaitStatus & { readonly pid: number };

export type Libc = ReturnType<typeof bindLibc>;

let loaded: Libc | undefined | null = null;

/** Binds the functions on the first call. `undefined` where neither node:ffi nor koffi loads, or not on Linux. */
export function libc(): Libc | undefined {
	if (loaded === null) {
		const ffi = foreignFunctions();
		loaded = ffi && bindLibc(ffi);
	}
	return loaded;
}

function bindLibc(ffi: ForeignFunctions) {
	/** Looks the symbol up on the first call: each look-up takes 0.2 ms, and the program waits to be started. */
	function lazy(symbol: string, args: readonly ForeignType[], returns: "int" | "void" = "int"): ForeignFunction {
		let found: ForeignFunction | undefined;
		return (...values) => {
			found ??= ffi.bind(symbol, returns, args);
			return found(...values);
		};
	}
	const waitid = lazy("waitid", ["int", "int", "pointer", "int"]);
	const prctl = lazy("prctl", ["int", "ulong", "ulong", "ulong", "ulong"]);
	const send = lazy("send", ["int", "pointer", "ulong", "int"]);
	const ioctl = lazy("ioctl", ["int", "ulong", "ulong"]);
	const _exit = lazy("_exit", ["int"], "void");

	// The closures below keep the buffer alive: C holds nothing but its address.
	const info = Buffer.alloc(SIZEOF_SIGINFO);
	const infoAddress = ffi.address(info);
	const held: Buffer[] = [];

	/** The pid of a zombie, described in `info`; 0 if there is none. */
	function wait(options: number, of?: number): number {
		// If no child is a zombie WNOHANG returns 0 and leaves si_pid alone (waitid(2)): clear it first.
		info.writeInt32LE(0, SI_PID_OFFSET);
		const found = waitid(of ? P_PID : P_ALL, of ?? 0, infoAddress, WEXITED | WNOHANG | options) === 0;
		return found ? info.readInt32LE(SI_PID_OFFSET) : 0;
	}

	function collect(options: number, of?: number): Reaped | undefined {
		const pid = wait(options, of);
		if (pid === 0) return undefined;
		const status = info.readInt32LE(SI_STATUS_OFFSET);
		return info.readInt32LE(SI_CODE_OFFSET) === CLD_EXITED ? { pid, code: status } : { pid, signal: status };
	}

	return {
		binding: ffi.name,
		/**
		 * The pid of a zombie child, 0 if there is none. Does not collect it: waitid(2) with WNOWAIT. Returns the same pid
		 * until that zombie is collected.
		 *
		 * Sees the children of the calling thread only (__WNOTHREAD). What a worker thread has spawned is invisible here.
		 * Orphans are visible: the kernel gives them to the main thread (find_new_reaper() takes the first living thread of
		 * the process).
		 *
		 * @param of Look at this child only. @default all of them
		 */
		peekZombie: (of?: number): number => wait(WNOWAIT | __WNOTHREAD, of),
		/** Collects a zombie child of any thread: waitid(2). `undefined` if there is no such child, or if it is alive. */
		reap: (pid: number): Reaped | undefined => collect(0, pid),
		/** Collects any zombie child of the calling thread, as `peekZombie` sees it. `undefined` if there is none. */
		reapAny: (): Reaped | undefined => collect(__WNOTHREAD),
		/** Whether there is any child at all, alive or zombie. */
		hasChildren: (): boolean => waitid(P_ALL, 0, infoAddress, WEXITED | WNOHANG | WNOWAIT) === 0,
		/** prctl(PR_SET_CHILD_SUBREAPER): orphaned descendants become our children though we are not PID 1. */
		becomeSubreaper: (): boolean => prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0,
		/** prctl(PR_GET_CHILD_SUBREAPER): whether this process is a subreaper, for instance made one before exec. */
		isSubreaper(): boolean {
			// The kernel writes an int.
			info.writeInt32LE(0, 0);
			prctl(PR_GET_CHILD_SUBREAPER, infoAddress, 0n, 0n, 0n);
			return info.readInt32LE(0) !== 0;
		},
		/** prctl(PR_SET_PDEATHSIG): the kernel sends us this signal when our parent dies. */
		setParentDeathSignal: (signal: number): boolean => prctl(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n) === 0,
		/**
		 * The width of the terminal at a descriptor; 0 if there is none: ioctl(2) with TIOCGWINSZ. (To ask process.stdout would
		 * make the descriptor non-blocking for all who share it.)
		 */
		terminalColumns(descriptor: number): number {
			info.writeInt32LE(0, 0);
			ioctl(descriptor, TIOCGWINSZ, infoAddress);
			return info.readUInt16LE(COLUMNS_OFFSET);
		},
		/** send(2) that does not block: how many bytes the socket has accepted. -1: none, or it is not a socket. */
		sendNow(socket: number, bytes: Buffer): number {
			// Held until the next call: the kernel reads the memory, of which the garbage collector knows nothing.
			held[0] = bytes;
			return Number(send(socket, ffi.address(bytes), BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL));
		},
		/** _exit(2): ends the process at once, even if a thread is stuck in native code, where `process.exit()` hangs. */
		_exit(code: number): never {
			_exit(code);
			throw new Error("_exit(2) returned");
		},
	};
}
