/** `drain()`: closes an HTTP server without failing a request. */
import { readlinkSync } from "node:fs";
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { attempt } from "../base/errors.ts";
import { readDuration } from "../base/time.ts";
import type { Duration } from "../config/config.ts";
import { foreignFunctions } from "../os/ffi/ffi.ts";

export interface DrainOptions {
	/** When it is aborted every connection is cut. Pass on the one of the stop handler. */
	signal?: AbortSignal;
	/**
	 * How long a client may keep a connection without a request on it. Not 0: the next request may be on its way, and would fail.
	 *
	 * @default "1s"
	 */
	idle?: Duration;
}

const IDLE_MS = 1_000;
/** For clients that the kernel has answered already to complete their handshake. */
const HANDSHAKE_MS = 100;
/** Where new connections cannot be refused a busy server never sees an empty backlog. */
const MAX_TURNS = 1_000;

/**
 * Closes an HTTP server without failing a request, as `server.close()` does when it cuts a connection on which a client is just
 * sending its next one: new connections are refused, requests on those that are there are answered and told
 * `Connection: close`, idle ones are closed after a while. Connections that were upgraded (WebSocket) and answers without an end
 * (server-sent events) are waited for until `signal` is aborted: close them yourself, or give the stop handler a `timeout`.
 *
 * @returns Resolves when no connection is left.
 * @throws {UserError} if `idle` is no duration.
 */
export async function drain(server: Server, options: DrainOptions = {}): Promise<void> {
	const { signal } = options;
	const idleMs = readDuration('"idle" of drain()', options.idle) ?? IDLE_MS;
	if (!server.listening) return;
	// First of all listeners: the headers are not out yet.
	server.prependListener("request", (_, response) => tellToClose(response));
	for (const { _httpMessage: answer } of socketsOf(server)) if (answer && !answer.headersSent) tellToClose(answer);
	await emptyBacklog(server);
	const closed = new Promise<void>((resolve) => {
		// As any TCP server's: that of HTTP would cut the idle connections at once.
		const { Server: TcpServer } = process.getBuiltinModule("node:net");
		TcpServer.prototype.close.call(server, () => resolve());
	});
	const cut = () => {
		server.closeAllConnections();
		// What was upgraded (WebSocket) is not HTTP's any more, and keeps the server open all the same.
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
	/** The answer under way. */
	readonly _httpMessage?: ServerResponse | null;
};

/** Those that the server has accepted. Only Node.js's list of all that is open has them. */
function socketsOf(server: Server): ServerSocket[] {
	const { _getActiveHandles: list } = process as unknown as {
		_getActiveHandles?: () => ServerSocket[];
	};
	const isItsOwn = (handle: { server?: unknown }) => handle.server === server;
	return (list?.call(process) ?? []).filter(isItsOwn);
}

function tellToClose(answer: ServerResponse): void {
	answer.setHeader("connection", "close");
}

/** Accepts what the kernel has accepted for us: it would reset it when the socket is closed. */
async function emptyBacklog(server: Server): Promise<void> {
	const { _handle: handle } = server as { _handle?: { fd?: number } };
	// A worker of a cluster has none of its own: the primary listens, and goes on.
	if (!handle?.fd || handle.fd < 0) return;
	// One that came from outside has other owners, who go on.
	if (!isInherited(handle.fd) && refuseConnections(handle.fd))
		await new Promise((resolve) => setTimeout(resolve, HANDSHAKE_MS));
	// libuv accepts one connection in each turn of the loop: a turn without any has found the backlog empty.
	let accepted = true;
	const onConnection = () => {
		accepted = true;
	};
	server.on("connection", onConnection);
	for (let turn = 0; accepted && turn < MAX_TURNS; turn++) {
		accepted = false;
		// The rest of this turn, and then a whole one.
		await new Promise(setImmediate);
		await new Promise(setImmediate);
	}
	server.off("connection", onConnection);
}

/**
 * Whether the socket was there before Node.js: its own first descriptor is that of the event loop, and what was handed down to us
 * (socket activation, `listen({fd: 3})`) has a lower number.
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

// ==== from refuse-connections.ts

/**
 * Has the kernel refuse new connections to a listening TCP socket that stays open.
 *
 * close(2) resets every connection that the kernel has accepted and the process has not: its client may have sent a request
 * already, and would see it fail. So first the socket is bound to a network interface that does not exist: no packet comes from
 * there, and a request for a connection finds nobody who listens. What is in the backlog, and every handshake that had begun, is
 * not touched, and can still be accepted.
 */

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
		const setsockopt = ffi.bind("setsockopt", "int", ["int", "int", "int", "pointer", "int"]);
		const index = Buffer.alloc(4);
		index.writeInt32LE(NO_INTERFACE);
		const value = ffi.address(index);
		const { length } = index;
		return setsockopt(descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, value, length) === 0;
	});
	return refused ?? false;
}
