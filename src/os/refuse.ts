/**
 * Stops new connections to a listening TCP socket without closing it.
 *
 * close(2) resets every connection that the kernel has accepted and the process has not: its client may have sent a request
 * already, and would see it fail. So first a filter drops requests for a connection (SYN), then what is in the backlog is
 * accepted, then the socket is closed. A client that was dropped asks again a second later, and is refused.
 */
import { attempt } from "../errors.ts";
import { foreignFunctions } from "./ffi.ts";

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const TCP_FLAGS_OFFSET = 13;
const SYN = 0x02;
const ACK = 0x10;

/** Classic BPF, as bpf(4) has it: operation, jump if true, jump if false, operand. */
const DROP_NEW_CONNECTIONS = [
	[0x30, 0, 0, TCP_FLAGS_OFFSET], // load byte
	[0x54, 0, 0, SYN | ACK], // and
	[0x15, 0, 1, SYN], // if equal go on, else skip one
	[0x06, 0, 0, 0], // drop
	[0x06, 0, 0, 0xffff_ffff], // keep
] as const;
const SIZEOF_INSTRUCTION = 8;
const SIZEOF_PROGRAM = 16;

/** @returns Whether it works here: not without foreign functions, nor outside Linux. */
export function refuseConnections(descriptor: number): boolean {
	return (
		attempt(() => {
			const ffi = foreignFunctions();
			if (!ffi) return false;
			const setsockopt = ffi.bind("setsockopt", "int", [
				"int",
				"int",
				"int",
				"pointer",
				"int",
			]);
			const filter = Buffer.alloc(
				DROP_NEW_CONNECTIONS.length * SIZEOF_INSTRUCTION,
			);
			for (const [index, instruction] of DROP_NEW_CONNECTIONS.entries()) {
				const [operation, ifTrue, ifFalse, operand] = instruction;
				const at = index * SIZEOF_INSTRUCTION;
				filter.writeUInt16LE(operation, at);
				filter.writeUInt8(ifTrue, at + 2);
				filter.writeUInt8(ifFalse, at + 3);
				filter.writeUInt32LE(operand, at + 4);
			}
			const program = Buffer.alloc(SIZEOF_PROGRAM);
			program.writeUInt16LE(DROP_NEW_CONNECTIONS.length, 0);
			program.writeBigUInt64LE(ffi.address(filter), 8);
			const address = ffi.address(program);
			return (
				setsockopt(
					descriptor,
					SOL_SOCKET,
					SO_ATTACH_FILTER,
					address,
					SIZEOF_PROGRAM,
				) === 0
			);
		}) ?? false
	);
}
