/**
 * Listens to signals of a fault (SIGSEGV, SIGABRT, …) that somebody sends. libuv's handler alone would loop for ever on
 * a fault of our own: when the handler returns, the same instruction faults again. So a few bytes of machine code run
 * before it. For a signal that the kernel raised itself (si_code above 0) they restore the default action, and the
 * second fault ends the process.
 */
import { constants } from "node:os";
import type { ForeignFunctions } from "../ffi/ffi.ts";
import { listenForGood } from "./listen.ts";
import { arm64, makePage, x64 } from "./machine-code.ts";

export const FAULTS = ["SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGSYS"] as const;

/** struct sigaction of glibc and musl: the handler, 128 bytes for the mask, sa_flags. */
const SIZEOF_SIGACTION = 152;
const FLAGS_OFFSET = 136;
const SA_SIGINFO = 4;

/** `si_code > 0 ? signal(number, SIG_DFL) : handler(number)`. Both addresses are in `data`, the handler's first. */
const MACHINES: Readonly<Record<string, (data: bigint) => Buffer>> = {
	x64: (data) =>
		x64(data, [
			"83 7e 08 00", // cmp dword [rsi + 8], 0
			"7e 05", // jle handler
			"31 f6", // xor esi, esi
			"ff 60 08", // jmp [rax + 8]
			"ff 20", // handler: jmp [rax]
		]),
	arm64: (data) =>
		arm64(data, [
			0xb9400822, // ldr w2, [x1, #8]
			0x7100005f, // cmp w2, #0
			0x5400006d, // b.le handler
			0xd2800001, // mov x1, #0
			0x91002129, // add x9, x9, #8
			0xf9400129, // handler: ldr x9, [x9]
			0xd61f0120, // br x9
			0xd503201f, // nop
		]),
};

/** The machine code may read it at any time. */
const data = Buffer.alloc(16);

/** Does nothing where a policy refuses pages with machine code. */
export function listenToFaults(ffi: ForeignFunctions, deliver: (signal: NodeJS.Signals) => void): void {
	const code = MACHINES[process.arch]?.(ffi.address(data));
	const page = code && makePage(ffi, code);
	if (page === undefined) return;
	data.writeBigUInt64LE(ffi.symbol("signal"), 8);
	const sigaction = ffi.bind("sigaction", "int", ["int", "pointer", "pointer"]);
	const action = Buffer.alloc(SIZEOF_SIGACTION);
	const address = ffi.address(action);
	for (const signal of FAULTS) {
		listenForGood(signal, () => deliver(signal));
		const number = constants.signals[signal];
		sigaction(number, 0n, address);
		// libuv has one handler for all signals.
		action.copy(data, 0, 0, 8);
		action.writeBigUInt64LE(page);
		action.writeInt32LE(action.readInt32LE(FLAGS_OFFSET) | SA_SIGINFO, FLAGS_OFFSET);
		sigaction(number, address, 0n);
	}
}
