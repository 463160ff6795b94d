/**
 * The receiving end of sd_notify(3): a Unix datagram socket, which Node.js has not. Made through the C library.
 *
 * It is looked at by a timer, and only as long as a job is starting: a file descriptor that Node.js does not know cannot
 * be waited for in its event loop. After that it is closed, and what a process sends later fails on its side.
 *
 * Invariants:
 * - No call blocks: the socket is SOCK_NONBLOCK, and a look takes a bounded number of messages.
 * - The descriptor is closed exactly once, and its path removed.
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
const SUN_PATH_OFFSET = 2; // of struct sockaddr_un, behind sun_family
const SUN_PATH_LENGTH = 108;

const LOOK_MS = 20;
/** Messages taken in one look. */
const BATCH = 16;
const MESSAGE_LENGTH = 4096;

export interface NotifySocket {
	/** For the environment variable NOTIFY_SOCKET. */
	readonly path: string;
	close(): void;
}

/**
 * @param onReady Called when `READY=1` has come.
 * @returns `undefined` where there is no binding, or no folder to make it in.
 */
export function openNotifySocket(onReady: () => void): NotifySocket | undefined {
	const sockets = datagramSockets();
	if (!sockets) return undefined;
	const folder = makeFolder();
	if (!folder) return undefined;
	const path = join(folder, "socket");
	const descriptor = sockets.bind(path);
	let timer: NodeJS.Timeout | undefined;
	const close = () => {
		if (timer) {
			clearInterval(timer);
			timer = undefined;
			sockets.close(descriptor);
		}
		attempt(() => rmSync(folder, { recursive: true }));
	};
	if (descriptor < 0) {
		close();
		return undefined;
	}
	timer = setInterval(() => {
		for (let taken = 0; timer && taken < BATCH; taken++) {
			const message = sockets.receive(descriptor);
			if (message === undefined) return;
			if (message.split("\n").includes("READY=1")) onReady();
		}
	}, LOOK_MS);
	return { path, close };
}

/** With a read-only root file system /dev/shm may be all there is. */
function makeFolder(): string | undefined {
	for (const parent of [tmpdir(), "/dev/shm"]) {
		const folder = attempt(() => mkdtempSync(join(parent, "lastcall-notify-")));
		if (folder) return folder;
	}
	return undefined;
}

interface DatagramSockets {
	/** A descriptor; negative if it failed. */
	bind(path: string): number;
	receive(descriptor: number): string | undefined;
	close(descriptor: number): void;
}

let loaded: DatagramSockets | undefined;

function datagramSockets(): DatagramSockets | undefined {
	if (!loaded) {
		const ffi = foreignFunctions();
		loaded = ffi && bindSockets(ffi);
	}
	return loaded;
}

function bindSockets(ffi: ForeignFunctions): DatagramSockets {
	const socket = ffi.bind("socket", "int", ["int", "int", "int"]);
	const bind = ffi.bind("bind", "int", ["int", "pointer", "int"]);
	const recv = ffi.bind("recv", "int", ["int", "pointer", "ulong", "int"]);
	const close = ffi.bind("close", "int", ["int"]);
	// Referenced by the closures below for ever: C holds nothing but their addresses.
	const address = Buffer.alloc(SUN_PATH_OFFSET + SUN_PATH_LENGTH);
	const message = Buffer.alloc(MESSAGE_LENGTH);
	const addressPointer = ffi.address(address);
	const messagePointer = ffi.address(message);
	return {
		bind(path) {
			const bytes = Buffer.from(path);
			if (bytes.length >= SUN_PATH_LENGTH) return -1;
			const flags = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
			const descriptor = Number(socket(AF_UNIX, flags, 0));
			if (descriptor < 0) return -1;
			address.fill(0);
			address.writeUInt16LE(AF_UNIX, 0);
			bytes.copy(address, SUN_PATH_OFFSET);
			if (bind(descriptor, addressPointer, address.length) === 0) return descriptor;
			close(descriptor);
			return -1;
		},
		receive(descriptor) {
			const length = Number(recv(descriptor, messagePointer, BigInt(MESSAGE_LENGTH), 0));
			return length < 0 ? undefined : message.toString("utf8", 0, length);
		},
		close: (descriptor) => void close(descriptor),
	};
}
