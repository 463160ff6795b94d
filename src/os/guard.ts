/**
 * The last resort: ends the process at a given moment whatever its threads are doing, and says why.
 *
 * A timer of the C library (SIGEV_THREAD) starts a thread that calls one function with one argument: no JavaScript runs
 * in it, so it needs neither the event loop nor an isolate. A worker thread would not do: it costs 15 ms and 6 MB just
 * when memory may be short, and `process.exit()`, which is what hangs while another thread is in native code, ends it first.
 *
 * Invariants:
 * - Everything C may use is referenced for ever: the timers outlive whoever armed them.
 * - The words and the exit have a timer each. Writing to a stalled standard error blocks the first one's thread only.
 * - The words are there before the moment comes, and are replaced in place: whoever arms the guard keeps them true.
 */
import { attempt } from "../errors.ts";
import { type ForeignFunctions, foreignFunctions } from "./ffi.ts";

const CLOCK_MONOTONIC = 1;
const SIGEV_THREAD = 2;
const SIZEOF_SIGEVENT = 64;
const SIGEV_NOTIFY_OFFSET = 12; // behind sigev_value (8 bytes) and sigev_signo
const SIGEV_FUNCTION_OFFSET = 16;
const SIZEOF_ITIMERSPEC = 32;
const IT_VALUE_OFFSET = 16; // behind it_interval

/** For the words to get out before the end, on a machine that is busy. */
const SPEAK_MS = 200;
const MAX_WORDS = 1_024;

export interface Guard {
	/** Replaces what will be said. */
	say(words: string): void;
	disarm(): void;
}

/** C may use them at any time. */
const referenced: Buffer[] = [];

/**
 * Calls _exit(2) with a code in so many milliseconds from now, unless it is disarmed. The words go to standard error before that.
 *
 * @param speakMs How long before.
 * @returns `undefined` where there are no foreign functions: nothing guards then.
 */
export function armGuard(
	ms: number,
	code: number,
	words: string,
	speakMs = SPEAK_MS,
): Guard | undefined {
	return attempt(() => {
		const ffi = foreignFunctions();
		if (!ffi) return undefined;
		const text = Buffer.alloc(MAX_WORDS * 2);
		referenced.push(text);
		const say = (next: string) => {
			// warnx(3) takes a format.
			const line = next.slice(0, MAX_WORDS / 2).replaceAll("%", "%%");
			const end = text.write(line, 0, MAX_WORDS * 2 - 1);
			text.fill(0, end);
		};
		say(words);
		const disarmExit = startTimer(ffi, "_exit", BigInt(code), ms);
		// Prints "node: " (the program's name), the words and a line feed to standard error, unbuffered.
		const disarmWords = startTimer(
			ffi,
			"warnx",
			ffi.address(text),
			ms - speakMs,
		);
		return {
			say,
			disarm() {
				disarmWords();
				disarmExit();
			},
		};
	});
}

/** `process.exit()`, which waits for threads, exit listeners and all: so many milliseconds at the most. */
export function exitWithin(ms: number, code: number, words: string): never {
	armGuard(ms, code, words);
	process.exit(code);
}

/** Has a C function of one argument called in a thread of its own. Returns what stops the timer. */
function startTimer(
	ffi: ForeignFunctions,
	symbol: string,
	argument: bigint,
	ms: number,
): () => void {
	const create = ffi.bind("timer_create", "int", ["int", "pointer", "pointer"]);
	const set = ffi.bind("timer_settime", "int", [
		"pointer",
		"int",
		"pointer",
		"pointer",
	]);
	const event = Buffer.alloc(SIZEOF_SIGEVENT);
	event.writeBigUInt64LE(argument, 0);
	event.writeInt32LE(SIGEV_THREAD, SIGEV_NOTIFY_OFFSET);
	event.writeBigUInt64LE(ffi.symbol(symbol), SIGEV_FUNCTION_OFFSET);
	const id = Buffer.alloc(8);
	const spec = Buffer.alloc(SIZEOF_ITIMERSPEC);
	referenced.push(event, id, spec);

	if (create(CLOCK_MONOTONIC, ffi.address(event), ffi.address(id)) !== 0)
		throw new Error(`Cannot make a timer that calls ${symbol}()`);
	const timer = id.readBigUInt64LE(0);
	const setTo = (delayMs: number) => {
		const seconds = Math.floor(delayMs / 1_000);
		const nanoseconds = Math.floor((delayMs % 1_000) * 1e6);
		spec.writeBigInt64LE(BigInt(seconds), IT_VALUE_OFFSET);
		spec.writeBigInt64LE(BigInt(nanoseconds), IT_VALUE_OFFSET + 8);
		// The interval stays 0: it fires once. A value of 0 stops it.
		set(timer, 0, ffi.address(spec), 0n);
	};
	setTo(Math.max(ms, 1));
	return () => setTo(0);
}
