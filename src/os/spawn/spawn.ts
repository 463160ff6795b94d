/**
 * Starts the foreground program by posix_spawnp(3), and moves the terminal to it and back.
 *
 * `node:child_process` takes twice as long. It gives the program a process group only together with a session
 * (`detached` is setsid(2)), and cannot put it in the terminal's foreground. libuv does not know the program:
 * os/processes/reaper.ts collects it.
 */
import { accessSync, constants, fstatSync, statSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import type { ForeignFunctions } from "../ffi/ffi.ts";
import { inheritedDescriptors } from "./descriptors.ts";

const ENOEXEC = 8;
const O_RDWR = 0o2;
const POINTER_SIZE = 8;
/** Command of fcntl(2). */
const F_SETFD = 2;

/** Flags of posix_spawnattr_setflags(3). */
const SETPGROUP = 0x02;
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;

/** Place and size of a field of posix_spawnattr_t. */
const SIGDEFAULT_OFFSET = 8;
const SIGSET_SIZE = 128;
/** At least the size of posix_spawnattr_t (336) and posix_spawn_file_actions_t (80), in glibc and musl. */
const STRUCT_SIZE = 512;

const STDIN = 0;
/** Major 1, minor 3, on every Linux. */
const DEV_NULL = 0x103;
const TIOCNOTTY = 0x5422n;
const SIG_IGN = 1n;
const SIGTTIN = 21;
const SIGTTOU = 22;

/** What separates the program from us: its own process group, its own session, or nothing. */
export type Apartness = "group" | "session" | "none";

export interface SpawnRequest {
	/** The program, looked up on PATH as execvp(3) does, and its arguments. */
	readonly command: readonly (string | Buffer)[];
	readonly apart: Apartness;
	/** The program's working directory. @default ours */
	readonly directory?: string | undefined;
}

export type SpawnResult =
	| {
			readonly pid: number;
			/**
			 * Whether the terminal went from our session, which we led, to the program's. For that the kernel sends us SIGHUP
			 * and SIGCONT, which are not meant for the program.
			 */
			readonly lostTerminal?: boolean;
	  }
	/** Nothing was started, for this reason: errno(3). */
	| { readonly errno: number };

/**
 * Starts a program with our environment and the descriptors that we inherited. All signals have their default action,
 * and none is blocked. If standard input is our terminal, and we are in its foreground, the program gets the terminal
 * and its foreground.
 */
export function spawnProgram(ffi: ForeignFunctions, request: SpawnRequest): SpawnResult {
	const terminal = request.apart === "none" ? undefined : openTerminal(ffi);
	if (!terminal?.isOurs) return spawn(ffi, request);

	if (request.apart === "session") {
		// A terminal belongs to one session: ours has to let go of it first. The program's session gets it by opening it.
		if (!terminal.letGo()) return spawn(ffi, request);
		const withTerminal = spawn(ffi, request, "open");
		const result = "pid" in withTerminal ? withTerminal : spawn(ffi, request);
		return "pid" in result ? { ...result, lostTerminal: terminal.leadsSession } : result;
	}

	if (terminal.canMoveInChild) {
		// In the child, before exec: so the program is in the foreground from its first moment.
		const moved = spawn(ffi, request, "foreground");
		if ("pid" in moved) return moved;
	}
	const result = spawn(ffi, request);
	if ("pid" in result && terminal.moveToForeground(result.pid)) {
		// If the program has read from the terminal before this, the kernel has stopped it.
		attempt(() => process.kill(-result.pid, "SIGCONT"));
	}
	return result;
}

/** What the child does with the terminal before exec. */
type TerminalAction = "foreground" | "open";

function spawn(ffi: ForeignFunctions, request: SpawnRequest, terminal?: TerminalAction): SpawnResult {
	const result = spawnFile(ffi, request, terminal);
	if (!("errno" in result) || result.errno !== ENOEXEC) return result;
	// The kernel cannot execute this file. execvp(3) gives it to the shell, posix_spawnp(3) does not.
	const [program = "", ...args] = request.command;
	const command = ["/bin/sh", findOnPath(program) ?? program, ...args];
	return spawnFile(ffi, { ...request, command }, terminal);
}

function spawnFile(
	ffi: ForeignFunctions,
	{ command, apart, directory }: SpawnRequest,
	terminal?: TerminalAction,
): SpawnResult {
	// C gets only the addresses of these buffers. This list keeps the garbage collector from taking them.
	const held: Buffer[] = [];
	const addressOf = (buffer: Buffer) => {
		held.push(buffer);
		return ffi.address(buffer);
	};
	const attributes = addressOf(attributesFor(apart));
	// All zeros, as posix_spawn_file_actions_init(3) leaves it.
	const fileActions = addressOf(Buffer.alloc(STRUCT_SIZE));

	const descriptors = inheritedDescriptors();
	passOn(ffi, descriptors);
	if (terminal === "foreground") {
		ffi.bind("posix_spawn_file_actions_addtcsetpgrp_np", "int", ["pointer", "int"])(fileActions, STDIN);
	} else if (terminal === "open") {
		// The leader of a session without a terminal gets the first one it opens. This needs a descriptor that nobody uses.
		const free = 1 + Math.max(...descriptors, 255);
		const path = addressOf(cString("/proc/self/fd/0"));
		const addOpen = ffi.bind("posix_spawn_file_actions_addopen", "int", ["pointer", "int", "pointer", "int", "int"]);
		addOpen(fileActions, free, path, O_RDWR, 0);
		ffi.bind("posix_spawn_file_actions_addclose", "int", ["pointer", "int"])(fileActions, free);
	}
	if (directory !== undefined) {
		const add = attempt(() => ffi.bind("posix_spawn_file_actions_addchdir_np", "int", ["pointer", "pointer"]));
		if (add) add(fileActions, addressOf(cString(directory)));
		// An old C library has no such function. Then we go back to that directory, which we have left as dumb-init does,
		// and the program starts there.
		else attempt(() => process.chdir(directory));
	}

	const pid = Buffer.alloc(4);
	const file = addressOf(cString(command[0] ?? ""));
	const argv = Buffer.alloc((command.length + 1) * POINTER_SIZE);
	for (const [index, text] of command.entries()) argv.writeBigUInt64LE(addressOf(cString(text)), index * POINTER_SIZE);
	// C's own environment instead of process.env: it keeps what is not UTF-8.
	const environment = ffi.readPointer(ffi.symbol("environ"));
	const spawnp = ffi.bind("posix_spawnp", "int", ["pointer", "pointer", "pointer", "pointer", "pointer", "pointer"]);
	const errno = spawnp(addressOf(pid), file, fileActions, attributes, addressOf(argv), environment) as number;
	// From here on the garbage collector may take them.
	held.length = 0;
	return errno === 0 ? { pid: pid.readInt32LE() } : { errno };
}

/**
 * A posix_spawnattr_t of glibc and musl: the flags (a short or an int), the process group, the signals to set to their
 * default action, the signals to block. It is written here because each look-up of a C function delays the program by a
 * quarter of a millisecond. posix_spawnattr_init(3) only fills the struct with zeros.
 */
function attributesFor(apart: Apartness): Buffer {
	const attributes = Buffer.alloc(STRUCT_SIZE);
	let flags = SETSIGDEF | SETSIGMASK;
	// The number of the process group stays 0: a new group.
	if (apart === "group") flags |= SETPGROUP;
	if (apart === "session") flags |= SETSID;
	attributes.writeInt16LE(flags, 0);
	// All signals get their default action: Node.js ignores SIGPIPE, and the program would, too. None is blocked.
	attributes.fill(0xff, SIGDEFAULT_OFFSET, SIGDEFAULT_OFFSET + SIGSET_SIZE);
	return attributes;
}

/**
 * Removes the close-on-exec flag, which Node.js has set on all inherited descriptors.
 *
 * By fcntl(2), not by a file action dup2(n, n): another thread of Node.js may close a descriptor between the listing
 * and the start. Then fcntl(2) fails for that descriptor alone. The file action would fail the whole start with EBADF.
 */
function passOn(ffi: ForeignFunctions, descriptors: readonly number[]): void {
	const fcntl = ffi.bind("fcntl", "int", ["int", "int", "int"]);
	for (const fd of descriptors) fcntl(fd, F_SETFD, 0);
}

/** A `char *`. */
function cString(text: string | Buffer): Buffer {
	const bytes = typeof text === "string" ? Buffer.from(text) : text;
	const string = Buffer.alloc(bytes.length + 1);
	bytes.copy(string);
	return string;
}

/** The file that posix_spawnp(3) finds. */
export function findOnPath(program: string | Buffer): string | Buffer | undefined {
	const name = program.toString();
	if (name.includes("/")) return program;
	const directories = (process.env.PATH ?? "/bin:/usr/bin").split(":");
	const paths = directories.map((directory) => `${directory || "."}/${name}`);
	return paths.find((path) =>
		attempt(() => {
			accessSync(path, constants.X_OK);
			return statSync(path).isFile();
		}),
	);
}

type Terminal = NonNullable<ReturnType<typeof bindTerminal>>;

let opened: Terminal | undefined | null = null;

/** The terminal at standard input. `undefined` if it is no terminal, or not the one of our session. */
export function openTerminal(ffi: ForeignFunctions): Terminal | undefined {
	if (opened === null) {
		// Not isatty() of node:tty: that would load the network modules before the program starts.
		const stdin = attempt(() => fstatSync(STDIN));
		// Without `docker run -i` it is /dev/null, and asking the C library takes a third of a millisecond.
		opened = stdin?.isCharacterDevice() && stdin.rdev !== DEV_NULL ? bindTerminal(ffi) : undefined;
	}
	return opened;
}

function bindTerminal(ffi: ForeignFunctions) {
	const tcgetpgrp = ffi.bind("tcgetpgrp", "int", ["int"]);
	const before = tcgetpgrp(STDIN) as number;
	if (before < 0) return undefined;
	const tcsetpgrp = ffi.bind("tcsetpgrp", "int", ["int", "int"]);
	return {
		/**
		 * Whether it is the terminal of our session, with our process group in the foreground. tcgetpgrp() and getpgrp()
		 * both return 0 if the leader of our group is outside of our PID namespace.
		 */
		isOurs: before === ffi.bind("getpgrp", "int", [])(),
		leadsSession: ffi.bind("getsid", "int", ["int"])(0) === process.pid,
		/** Whether a child can put itself in the foreground before exec (glibc 2.35). */
		canMoveInChild: attempt(() => ffi.symbol("posix_spawn_file_actions_addtcsetpgrp_np")) !== undefined,
		moveToForeground: (group: number) => tcsetpgrp(STDIN, group) === 0,
		/** Gives the terminal up, so that another session may have it. The kernel sends SIGHUP and SIGCONT to our group. */
		letGo: () => ffi.bind("ioctl", "int", ["int", "ulong", "ulong"])(STDIN, TIOCNOTTY, 0n) === 0,
		/** If `group` is in the foreground, puts the group back there that was in the foreground when we started. */
		takeBack(group: number): void {
			if (before > 0 && tcgetpgrp(STDIN) === group) tcsetpgrp(STDIN, before);
		},
	};
}

/**
 * Ignores SIGTTOU and SIGTTIN. The kernel would stop us: by SIGTTOU when we write to the terminal, or move its
 * foreground, from the background, and by SIGTTIN at a read. With a handler instead, the system call would be restarted
 * for ever.
 */
export function ignoreTerminalStops(ffi: ForeignFunctions): void {
	const signal = ffi.bind("signal", "ulong", ["int", "pointer"]);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
}
