/**
 * Listens for clients of the init, on TCP and on the init's own Unix socket. Only listening happens at the start:
 * loading HTTP takes as long as starting a thread, so HTTP is loaded for the first connection.
 */
import { once } from "node:events";
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { attempt, errorInfo } from "../base/errors.ts";
import type { Control } from "../supervisor/commands.ts";
import type { Event } from "../supervisor/events.ts";
import type { StatusSource } from "./status.ts";

/** Enough for probes, Prometheus and a few people. More could take the descriptors that a job needs for its start. */
const MAX_CONNECTIONS = 256;
/** Longest wait for the process at the other end of a socket to accept the connection. */
const ACCEPT_MS = 1_000;

/** Stops listening, and closes every connection. */
export type Close = () => void;

/** Listens on TCP or on a Unix socket. Without `control` the server is read-only. Throws if it cannot listen there. */
export async function serve(
	where: { readonly host: string; readonly port: number } | { readonly path: string },
	source: StatusSource,
	control?: Control,
): Promise<Close> {
	let http: Promise<HttpServer> | undefined;
	const sockets = new Set<Socket>();
	// Paused: data that arrives before HTTP is loaded waits in the kernel.
	const server = createServer({ pauseOnConnect: true }, (socket) => {
		socket.on("error", () => {});
		sockets.add(socket);
		socket.once("close", () => sockets.delete(socket));
		http ??= import("./http.ts").then(({ createHttpServer }) => createHttpServer(source, control));
		http.then(
			(loaded) => {
				loaded.emit("connection", socket);
				socket.resume();
			},
			() => socket.destroy(),
		);
	});
	server.maxConnections = MAX_CONNECTIONS;
	await once(server.listen(where), "listening");
	// For example EMFILE in accept(2): this client gets no answer, and the jobs are not disturbed.
	server.on("error", () => {});
	return () => {
		server.close();
		for (const socket of sockets) socket.destroy();
	};
}

/**
 * Listens on the first of the paths where this is possible.
 *
 * A socket that accepts a connection belongs to a live init: no further path is tried. A socket that refuses
 * connections was left by a dead init, and is replaced. Anything else at the path is left alone.
 *
 * @returns The event to emit, and what stops listening and removes the socket. Never rejects.
 */
export async function openSocket(
	paths: readonly string[],
	source: StatusSource,
	control: Control,
): Promise<{ event: Event; close?: Close }> {
	let address = "";
	let error: unknown = new Error("no path to listen at");
	for (const path of paths) {
		try {
			await makeRoom(path);
			const close = await listenPrivately(path, source, control);
			return { event: { type: "server.opened", address: path }, close };
		} catch (thrown) {
			address = path;
			error = thrown;
			if (error instanceof SocketInUse) break;
		}
	}
	return { event: { type: "server.failed", address, error: errorInfo(error) } };
}

class SocketInUse extends Error {}

async function makeRoom(path: string): Promise<void> {
	const found = attempt(() => lstatSync(path));
	if (!found) return;
	if (!found.isSocket()) throw new Error(`found something else than a socket at ${path}`);
	if (await isAlive(path)) throw new SocketInUse(`the socket ${path} belongs to an init that is alive`);
	unlinkSync(path);
}

/** Whether a process listens on a socket. Only ECONNREFUSED says no: a stopped or busy process stays silent, too. */
async function isAlive(path: string): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = connect(path, () => resolve(true));
	socket.setTimeout(ACCEPT_MS, () => resolve(true));
	socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code !== "ECONNREFUSED"));
	const alive = await promise;
	socket.destroy();
	return alive;
}

async function listenPrivately(path: string, source: StatusSource, control: Control): Promise<Close> {
	// serve() calls bind(2) before it returns. So the socket has its mode before the event loop can accept a connection.
	const opening = serve({ path }, source, control);
	try {
		chmodSync(path, 0o600);
	} catch (error) {
		// An error of bind(2) is thrown here: it says more than chmod(2)'s.
		(await opening)();
		throw error;
	}
	const close = await opening;
	return () => {
		close();
		attempt(() => unlinkSync(path));
	};
}
