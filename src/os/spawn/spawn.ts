/**
 * Starts the foreground program by posix_spawnp(3), because `node:child_process` can put it neither in a process group of
 * its own nor in the foreground of the terminal (`detached` is setsid(2)), and takes twice as long.
 *
 * The program is not libuv's child: os/processes/reaper.ts collects it.
 */
import { accessSync, constants, fstatSync, statSync } from "node:fs";
import { attempt } from "../../base/errors.ts";
import type { ForeignFunctions } from "../ffi/ffi.ts";
import { inheritedDescriptors } from "./descriptors.ts";

const ENOEXEC = 8;
const O_RDWR = 0o2;
/** Of fcntl(2). */
const F_SETFD = 2;

/** Flags of posix_spawnattr_setflags(3). */
const SETPGROUP = 0x02;
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;

/** Of posix_spawnattr_t. */
const SIGDEFAULT_OFFSET = 8;
const SIGSET_SIZE = 128;
/** At least the size of posix_spawnattr_t (336) and posix_spawn_file_actions_t (80), in glibc and musl. */
const STRUCT_SIZE = 512;

/** What the program is set apart from us by: its own process group, its own session, or nothing. */
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
			 * The terminal of our session went to the program's, and we led ours: the kernel sends us SIGHUP and SIGCONT for it,
			 * which are none of the program's business.
			 */
			readonly lostTerminal?: boolean;
	  }
	/** Nothing was started: why, as in errno(3). */
	| { readonly errno: number };

/**
 * Starts a program with our environment, the descriptors that we inherited, all signals at their defaults, none blocked.
 * When standard input is our terminal, and we are in its foreground, the program gets both.
 */
export function spawnProgram(ffi: ForeignFunctions, request: SpawnRequest): SpawnResult {
	const { command } = request;
	const [program = ""] = command;
	const result = spawnWithTerminal(ffi, program, command, request);
	if (!("errno" in result) || result.errno !== ENOEXEC) return result;
	// execvp(3): what the kernel takes for no executable is a script for the shell. posix_spawnp(3) leaves that to us.
	const path = findOnPath(program) ?? program;
	const shell = ["/bin/sh", path, ...command.slice(1)];
	return spawnWithTerminal(ffi, "/bin/sh", shell, request);
}

function spawnWithTerminal(
	ffi: ForeignFunctions,
	program: string | Buffer,
	args: readonly (string | Buffer)[],
	request: SpawnRequest,
): SpawnResult {
	const { apart } = request;
	const terminal = apart === "none" ? undefined : openTerminal(ffi);
	if (!terminal?.isOurs) return spawn(ffi, program, args, request);

	if (apart === "session") {
		// A terminal belongs to one session: ours must let go of it. The program's session gets it by opening it.
		if (!terminal.letGo()) return spawn(ffi, program, args, request);
		const lostTerminal = terminal.leadsSession;
		const result = spawn(ffi, program, args, request, "open");
		return "pid" in result ? { ...result, lostTerminal } : spawn(ffi, program, args, request);
	}

	if (terminal.canMoveInChild) {
		// In the child, before exec: no moment in which the program is not yet in the foreground.
		const moved = spawn(ffi, program, args, request, "foreground");
		if ("pid" in moved) return moved;
	}
	const result = spawn(ffi, program, args, request);
	if ("pid" in result && terminal.moveToForeground(result.pid)) {
		// It may have read before the terminal was its own, and stopped for that.
		attempt(() => process.kill(-result.pid, "SIGCONT"));
	}
	return result;
}

function spawn(
	ffi: ForeignFunctions,
	program: string | Buffer,
	args: readonly (string | Buffer)[],
	{ apart, directory }: SpawnRequest,
	terminal?: "foreground" | "open",
): SpawnResult {
	const attributes = attributesFor(apart);
	// Zeros: as posix_spawn_file_actions_init(3) leaves it.
	const actions = Buffer.alloc(STRUCT_SIZE);
	const fileActions = ffi.address(actions);

	const descriptors = inheritedDescriptors();
	passOn(ffi, descriptors);
	const path = cString(ffi, "/proc/self/fd/0");
	if (terminal === "foreground") {
		ffi.bind("posix_spawn_file_actions_addtcsetpgrp_np", "int", ["pointer", "int"])(fileActions, 0);
	} else if (terminal === "open") {
		// The leader of a session without a terminal gets the one it opens. Needs a descriptor that nobody uses.
		const free = 1 + Math.max(...descriptors, 255);
		ffi.bind("posix_spawn_file_actions_addopen", "int", ["pointer", "int", "pointer", "int", "int"])(
			fileActions,
			free,
			path.address,
			O_RDWR,
			0,
		);
		ffi.bind("posix_spawn_file_actions_addclose", "int", ["pointer", "int"])(fileActions, free);
	}

	const at = cString(ffi, directory ?? "");
	if (directory !== undefined) {
		const add = attempt(() => ffi.bind("posix_spawn_file_actions_addchdir_np", "int", ["pointer", "pointer"]));
		if (add) add(fileActions, at.address);
		// An old C library. Then we go back to that directory, and the program starts there.
		else attempt(() => process.chdir(directory));
	}

	const pid = Buffer.alloc(4);
	const file = cString(ffi, program);
	const argv = cStrings(ffi, args);
	// C's own environment rather than process.env: it keeps what is not UTF-8.
	const environment = ffi.readPointer(ffi.symbol("environ"));
	const errno = ffi.bind("posix_spawnp", "int", ["pointer", "pointer", "pointer", "pointer", "pointer", "pointer"])(
		ffi.address(pid),
		file.address,
		fileActions,
		ffi.address(attributes),
		argv.address,
		environment,
	) as number;
	keep(attributes, actions, path.memory, at.memory, file.memory, argv.memory);
	return errno === 0 ? { pid: pid.readInt32LE() } : { errno };
}

/**
 * A posix_spawnattr_t as glibc and musl have it: the flags (a short or an int), the process group, the signals to set to their
 * defaults, the signals to block. Written here, since each function that is looked up costs the program a quarter of a
 * millisecond; posix_spawnattr_init(3) does no more than fill it with zeros.
 */
function attributesFor(apart: Apartness): Buffer {
	const attributes = Buffer.alloc(STRUCT_SIZE);
	let flags = SETSIGDEF | SETSIGMASK;
	// The group stays 0: one of its own.
	if (apart === "group") flags |= SETPGROUP;
	if (apart === "session") flags |= SETSID;
	attributes.writeInt16LE(flags, 0);
	// Node.js ignores SIGPIPE. The mask of blocked signals stays empty.
	attributes.fill(0xff, SIGDEFAULT_OFFSET, SIGDEFAULT_OFFSET + SIGSET_SIZE);
	return attributes;
}

/**
 * Takes the close-on-exec mark off, which Node.js has put on all the descriptors it found.
 *
 * Not a dup2(n, n) among the file actions: it fails the whole start with EBADF for a descriptor that is no longer open. Another
 * thread of Node.js may close one between the listing and the start. fcntl(2) then fails alone, and rightly.
 */
function passOn(ffi: ForeignFunctions, descriptors: readonly number[]): void {
	const fcntl = ffi.bind("fcntl", "int", ["int", "int", "int"]);
	for (const fd of descriptors) fcntl(fd, F_SETFD, 0);
}

/** Holds buffers until here: what only C knows of, the garbage collector would take. */
function keep(..._buffers: readonly unknown[]): void {}

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

// ==== from c-strings.ts

/** Texts and lists of texts as C wants them: `char *` and `char *const []`. */

export interface CMemory {
	readonly address: bigint;
	/** Keep it referenced for as long as C may read it. */
	readonly memory: readonly Buffer[];
}

const POINTER_SIZE = 8;

export function cString(ffi: ForeignFunctions, text: string | Buffer): CMemory {
	const bytes = typeof text === "string" ? Buffer.from(text) : text;
	const buffer = Buffer.alloc(bytes.length + 1);
	bytes.copy(buffer);
	return { address: ffi.address(buffer), memory: [buffer] };
}

/** A list of texts with a null pointer at its end. */
export function cStrings(ffi: ForeignFunctions, texts: readonly (string | Buffer)[]): CMemory {
	const strings = texts.map((text) => cString(ffi, text));
	const list = Buffer.alloc((strings.length + 1) * POINTER_SIZE);
	strings.forEach(({ address }, index) => {
		list.writeBigUInt64LE(address, index * POINTER_SIZE);
	});
	return {
		address: ffi.address(list),
		memory: [list, ...strings.flatMap(({ memory }) => memory)],
	};
}

// ==== from terminal.ts

/** The terminal at standard input: who is in its foreground, and whose it is. */

const STDIN = 0;
/** Major 1, minor 3, on every Linux. */
const DEV_NULL = 0x103;
const TIOCNOTTY = 0x5422n;
const SIG_IGN = 1n;
const SIGTTIN = 21;
const SIGTTOU = 22;

export interface Terminal {
	/** Whether it is the terminal of our session, with our process group in the foreground. */
	readonly isOurs: boolean;
	/** Whether we are the leader of our session. */
	readonly leadsSession: boolean;
	/** Whether a child can put itself in the foreground before it executes a program (glibc 2.35). */
	readonly canMoveInChild: boolean;
	/** tcsetpgrp(3). */
	moveToForeground(group: number): boolean;
	/** Gives the terminal up for this session, so that another may have it. Sends SIGHUP and SIGCONT to our own group. */
	letGo(): boolean;
	/** Puts that group back in the foreground that had it when we started, if `group` has it now. */
	takeBack(group: number): void;
}

let opened: Terminal | undefined | null = null;

/** `undefined` when standard input is no terminal, or not the one of our session. */
export function openTerminal(ffi: ForeignFunctions): Terminal | undefined {
	if (opened === null) {
		// Not isatty() of node:tty: that would load the network on the way to the program.
		const stdin = attempt(() => fstatSync(STDIN));
		// Without `docker run -i` it is /dev/null, and to ask the C library takes a third of a millisecond.
		const mayBe = stdin?.isCharacterDevice() && stdin.rdev !== DEV_NULL;
		opened = mayBe ? bindTerminal(ffi) : undefined;
	}
	return opened;
}

function bindTerminal(ffi: ForeignFunctions): Terminal | undefined {
	const tcgetpgrp = ffi.bind("tcgetpgrp", "int", ["int"]);
	const before = tcgetpgrp(STDIN) as number;
	if (before < 0) return undefined;
	const tcsetpgrp = ffi.bind("tcsetpgrp", "int", ["int", "int"]);
	// Both are 0 when the group's leader is outside of our PID namespace.
	const ourGroup = ffi.bind("getpgrp", "int", [])();
	return {
		isOurs: before === ourGroup,
		leadsSession: ffi.bind("getsid", "int", ["int"])(0) === process.pid,
		canMoveInChild: attempt(() => ffi.symbol("posix_spawn_file_actions_addtcsetpgrp_np")) !== undefined,
		moveToForeground: (group) => tcsetpgrp(STDIN, group) === 0,
		letGo: () => ffi.bind("ioctl", "int", ["int", "ulong", "ulong"])(STDIN, TIOCNOTTY, 0n) === 0,
		takeBack(group) {
			if (before > 0 && tcgetpgrp(STDIN) === group) tcsetpgrp(STDIN, before);
		},
	};
}

/**
 * Lets us write to a terminal, and move its foreground, from the background: the kernel stops whoever does not ignore
 * these two. (With a handler of ours the call would be restarted for ever.)
 */
export function ignoreTerminalStops(ffi: ForeignFunctions): void {
	const signal = ffi.bind("signal", "ulong", ["int", "pointer"]);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
}
