/**
 * Has the kernel refuse new connections to a listening TCP socket that stays open.
 *
 * close(2) resets every connection that the kernel has accepted and the process has not: its client may have sent a request
 * already, and would see it fail. So first the socket is bound to a network interface that does not exist: no packet comes from
 * there, and a request for a connection finds nobody who listens. What is in the backlog, and every handshake that had begun, is
 * not touched, and can still be accepted.
 */
import { attempt } from "../errors.ts";
import { foreignFunctions } from "./ffi.ts";

const SOL_SOCKET = 1;
/** Linux 5.0; without privileges from 5.7 on, for a socket that is not bound to an interface. */
const SO_BINDTOIFINDEX = 62;
/** The kernel counts interfaces from 1 upwards. */
const NO_INTERFACE = 0x7fff_ffff;

/** @returns Whether it works here: not without foreign functions, nor outside Linux. */
export function refuseConnections(descriptor: number): boolean {
	const refused = attempt(() => {
		const ffi = foreignFunctions();
		if (!ffi) return false;
		const setsockopt = ffi.bind("setsockopt", "int", [
			"int",
			"int",
			"int",
			"pointer",
			"int",
		]);
		const index = Buffer.alloc(4);
		index.writeInt32LE(NO_INTERFACE);
		const value = ffi.address(index);
		const { length } = index;
		return (
			setsockopt(descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, value, length) === 0
		);
	});
	return refused ?? false;
}
