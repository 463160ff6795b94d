/**
 * The receiving end of sd_notify(3): a Unix datagram socket, made through the C library because Node.js has none.
 *
 * A timer polls the socket: the event loop cannot wait for a file descriptor that Node.js does not know. Mostly the
 * socket is closed when the job is ready, and what a process sends later fails on its side. A job with a heartbeat keeps
 * it. The kernel keeps ten messages for us, and lets a sender wait for room, so the polls must not be too far apart.
 *
 * Invariants:
 * - No call blocks: the socket is SOCK_NONBLOCK, and one poll takes a bounded number of messages.
 * - The descriptor is closed exactly once, and its path is removed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt } from "../../base/errors.ts";
import { type ForeignFunctions, foreignFunctions } from "../ffi/ffi.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** struct sockaddr_un: sun_family, then sun_path. */
const SUN_PATH_OFFSET = 2;
const SUN_PATH_LENGTH = 108;

const POLL_MS = 20;
/** Messages taken in one poll. */
const BATCH = 16;
const MESSAGE_LENGTH = 4096;

export interface NotifySocket {
	/** For the environment variable NOTIFY_SOCKET. */
	readonly path: string;
	/** From now on polls each `ms` milliseconds. */
	pollEvery(ms: number): void;
	close(): void;
}

let sockets: ReturnType<typeof bindSockets> | undefined;

/**
 * @param onLine Called with each line that has come, such as `READY=1`.
 * @returns `undefined` where there is no foreign function interface, or no folder for the socket.
 */
export function openNotifySocket(onLine: (line: string) => void): NotifySocket | undefined {
	const ffi = foreignFunctions();
	if (!ffi) return undefined;
	sockets ??= bindSockets(ffi);
	const { open, receive, close } = sockets;
	// With a read-only root file system /dev/shm may be the only place.
	const folder = makeFolder(tmpdir()) ?? makeFolder("/dev/shm");
	if (!folder) return undefined;
	const removeFolder = () => void attempt(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "socket");
	const descriptor = open(path);
	if (descriptor === undefined) {
		removeFolder();
		return undefined;
	}
	let isOpen = true;
	const poll = () => {
		for (let taken = 0; isOpen && taken < BATCH; taken++) {
			const message = receive(descriptor);
			if (message === undefined) return;
			for (const line of message.split("\n")) onLine(line);
		}
	};
	let timer = setInterval(poll, POLL_MS);
	return {
		path,
		pollEvery(ms) {
			clearInterval(timer);
			if (isOpen) timer = setInterval(poll, ms);
		},
		close() {
			if (!isOpen) return;
			isOpen = false;
			clearInterval(timer);
			close(descriptor);
			removeFolder();
		},
	};
}

function makeFolder(parent: string): string | undefined {
	return attempt(() => mkdtempSync(join(parent, "lastcall-notify-")));
}

function bindSockets(ffi: ForeignFunctions) {
	const socket = ffi.bind("socket", "int", ["int", "int", "int"]);
	const bind = ffi.bind("bind", "int", ["int", "pointer", "int"]);
	const recv = ffi.bind("recv", "int", ["int", "pointer", "ulong", "int"]);
	const close = ffi.bind("close", "int", ["int"]);
	// The closures below keep the buffers alive: C holds nothing but their addresses.
	const address = Buffer.alloc(SUN_PATH_OFFSET + SUN_PATH_LENGTH);
	const message = Buffer.alloc(MESSAGE_LENGTH);
	const messagePointer = ffi.address(message);
	return {
		/** A descriptor; `undefined` if it failed. */
		open(path: string): number | undefined {
			if (Buffer.byteLength(path) >= SUN_PATH_LENGTH) return undefined;
			const descriptor = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
			if (descriptor < 0) return undefined;
			address.fill(0);
			address.writeUInt16LE(AF_UNIX, 0);
			address.write(path, SUN_PATH_OFFSET);
			if (bind(descriptor, ffi.address(address), address.length) === 0) return descriptor;
			close(descriptor);
			return undefined;
		},
		receive(descriptor: number): string | undefined {
			const length = Number(recv(descriptor, messagePointer, BigInt(MESSAGE_LENGTH), 0));
			return length < 0 ? undefined : message.toString("utf8", 0, length);
		},
		close,
	};
}
