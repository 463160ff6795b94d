/** The terminal at standard input: who is in its foreground, and whose it is. */
import { fstatSync } from "node:fs";
import { attempt } from "../errors.ts";
import type { ForeignFunctions } from "./ffi.ts";

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
		canMoveInChild:
			attempt(() => ffi.symbol("posix_spawn_file_actions_addtcsetpgrp_np")) !==
			undefined,
		moveToForeground: (group) => tcsetpgrp(STDIN, group) === 0,
		letGo: () =>
			ffi.bind("ioctl", "int", ["int", "ulong", "ulong"])(
				STDIN,
				TIOCNOTTY,
				0n,
			) === 0,
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
