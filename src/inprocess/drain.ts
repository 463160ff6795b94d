/** `drain()`: closes an HTTP server without failing a request. */
import { readlinkSync } from "node:fs";
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { attempt } from "../base/errors.ts";
import { readDuration } from "../base/time.ts";
import type { Duration } from "../config/config.ts";
import { foreignFunctions } from "../os/ffi/ffi.ts";

export interface DrainOptions {
	/**
	 * Closes every connection that is left when it is aborted. Pass the stop handler's signal.
	 *
	 * @default none: waits as long as there is a connection
	 */
	signal?: AbortSignal;
	/**
	 * How long a connection may stay idle, such as `"500ms"`. Not 0: the client's next request may be on its way, and
	 * would fail.
	 *
	 * @default "1s"
	 */
	idle?: Duration;
}

const IDLE_MS = 1_000;
/** Time for clients to finish a handshake that the kernel has already answered. */
const HANDSHAKE_MS = 100;
/** Bound for a busy server that cannot refuse new connections: its backlog may never be empty. */
const MAX_TURNS = 1_000;

const SOL_SOCKET = 1;
/** Linux 5.0. From 5.7 on it needs no privileges for a socket that is not bound to an interface. */
const SO_BINDTOIFINDEX = 62;
/** The kernel counts interfaces from 1 upwards. */
const NO_INTERFACE = 0x7fff_ffff;

/**
 * Closes an HTTP server without failing a request. `server.close()` can fail one: it closes idle connections at once,
 * though a client may just be sending its next request.
 *
 * New connections are refused. Requests on open connections are answered with `Connection: close`, and idle connections
 * are closed after `idle`. Upgraded connections (WebSocket) and responses without an end (server-sent events) stay open
 * until `signal` is aborted: close them yourself, or give the stop handler a `timeout`.
 *
 * @param server A server of `node:http` or `node:https`. Nothing happens if it does not listen.
 * @returns Resolves when no connection is left.
 * @throws {UserError} if `idle` is not a duration.
 */
export async function drain(server: Server, { signal, idle }: DrainOptions = {}): Promise<void> {
	const idleMs = readDuration('"idle" of drain()', idle) ?? IDLE_MS;
	if (!server.listening) return;
	const tellToClose = (response: ServerResponse) => response.setHeader("connection", "close");
	// Before the app's listener, which may send the headers.
	server.prependListener("request", (_, response) => tellToClose(response));
	for (const { _httpMessage: response } of socketsOf(server))
		if (response && !response.headersSent) tellToClose(response);
	await emptyBacklog(server);
	const closed = new Promise<void>((resolve) => {
		// The method of the TCP server: that of the HTTP server closes idle connections at once.
		const { Server: TcpServer } = process.getBuiltinModule("node:net");
		TcpServer.prototype.close.call(server, () => resolve());
	});
	const cut = () => {
		server.closeAllConnections();
		// HTTP has given up upgraded connections (WebSocket), but they still keep the server open.
		for (const socket of socketsOf(server)) socket.destroy();
	};
	if (signal?.aborted) cut();
	signal?.addEventListener("abort", cut);
	const timer = setInterval(() => server.closeIdleConnections(), idleMs);
	await closed;
	clearInterval(timer);
	signal?.removeEventListener("abort", cut);
}

type ServerSocket = Socket & {
	readonly server?: unknown;
	/** The response in progress. */
	readonly _httpMessage?: ServerResponse | null;
};

/** The open connections of a server. Only Node.js's list of all open handles has them. */
function socketsOf(server: Server): ServerSocket[] {
	const { _getActiveHandles: list } = process as { _getActiveHandles?: () => ServerSocket[] };
	return (list?.call(process) ?? []).filter((handle) => handle.server === server);
}

/** Accepts the connections that the kernel has already accepted: close(2) would reset them. */
async function emptyBacklog(server: Server): Promise<void> {
	const { _handle: handle } = server as { _handle?: { fd?: number } };
	// A worker of a cluster has no backlog: the primary listens, and goes on.
	if (!handle?.fd || handle.fd < 0) return;
	// An inherited socket has other owners, which go on listening.
	if (!isInherited(handle.fd) && refuseConnections(handle.fd))
		await new Promise((resolve) => setTimeout(resolve, HANDSHAKE_MS));
	// libuv accepts one connection in each turn of the event loop: a turn without one has found the backlog empty.
	let accepted = true;
	const onConnection = () => {
		accepted = true;
	};
	server.on("connection", onConnection);
	for (let turn = 0; accepted && turn < MAX_TURNS; turn++) {
		accepted = false;
		// The rest of this turn, and a whole turn.
		await new Promise(setImmediate);
		await new Promise(setImmediate);
	}
	server.off("connection", onConnection);
}

/**
 * Whether the process had this socket before Node.js started (socket activation, `listen({fd: 3})`): its number is lower
 * than that of Node.js's first descriptor, the event loop (epoll).
 */
function isInherited(descriptor: number): boolean {
	let hasProc = false;
	for (let other = 0; other < descriptor; other++) {
		const link = attempt(() => readlinkSync(`/proc/self/fd/${other}`));
		if (link?.includes("eventpoll")) return false;
		hasProc ||= link !== undefined;
	}
	return hasProc;
}

/**
 * Lets the kernel refuse new connections to a listening TCP socket that stays open: close(2) would reset those in the
 * backlog, whose clients may have sent a request already. The socket is bound to a network interface that does not
 * exist, so a new SYN finds no listener. Connections in the backlog and handshakes in progress are not affected.
 *
 * @returns Whether this works here: it needs Linux and foreign functions.
 */
function refuseConnections(descriptor: number): boolean {
	const refused = attempt(() => {
		const ffi = foreignFunctions();
		if (!ffi) return false;
		const setsockopt = ffi.bind("setsockopt", "int", ["int", "int", "int", "pointer", "int"]);
		const index = Buffer.alloc(4);
		index.writeInt32LE(NO_INTERFACE);
		return setsockopt(descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, ffi.address(index), index.length) === 0;
	});
	return refused ?? false;
}
