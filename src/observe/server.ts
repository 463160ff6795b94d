/**
 * Listens for whoever asks something of the init. Only the listening happens at the start: HTTP costs as much time to load
 * as a thread to start, and is loaded for the first connection.
 */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { attempt, errorInfo } from "../base/errors.ts";
import type { Control } from "../supervisor/commands.ts";
import type { Event } from "../supervisor/events.ts";
import type { StatusSource } from "./status.ts";

export interface Listening {
	/** Ends the listening, and every connection. */
	close(): void;
}

/** Probes, Prometheus and a few people. More would take the descriptors that jobs need to be started. */
const MAX_CONNECTIONS = 256;

/**
 * Listens on TCP or on a Unix socket.
 *
 * @param control Without it everything is read-only.
 * @throws if it cannot listen there.
 */
export async function serve(
	where: { readonly host: string; readonly port: number } | { readonly path: string },
	source: StatusSource,
	control?: Control,
): Promise<Listening> {
	let http: Promise<HttpServer> | undefined;
	const sockets = new Set<Socket>();
	const load = async () => {
		const { createHttpServer } = await import("./http.ts");
		return createHttpServer(source, control);
	};
	// Paused: what arrives before HTTP is there has to wait in the kernel.
	const server = createServer({ pauseOnConnect: true }, (socket) => {
		socket.on("error", () => {});
		sockets.add(socket);
		socket.once("close", () => sockets.delete(socket));
		http ??= load();
		http.then(
			(loaded) => {
				loaded.emit("connection", socket);
				socket.resume();
			},
			() => socket.destroy(),
		);
	});
	server.maxConnections = MAX_CONNECTIONS;
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	server.once("error", reject);
	server.listen(where, resolve);
	await promise;
	// No more descriptors, say: whoever asked has no answer, and the jobs are none the wiser.
	server.on("error", () => {});
	return {
		close() {
			server.close();
			for (const socket of sockets) socket.destroy();
		},
	};
}

// ==== from socket.ts

/** The Unix socket beside the init: where it lies, and whose it is. */

/** For the answer of whoever may be behind a socket. */
const ANSWER_MS = 1_000;

/**
 * Listens on the first of the paths where that is possible.
 *
 * A socket that somebody answers belongs to a live init, and ends the search; one that nobody answers was left behind by
 * a dead one, and is replaced. Anything else that lies there is left alone.
 *
 * @returns What happened; never rejects.
 */
export async function openSocket(
	paths: readonly string[],
	source: StatusSource,
	control: Control,
): Promise<{ event: Event; listening?: Listening }> {
	let failure: Event | undefined;
	for (const path of paths) {
		try {
			await makeRoom(path);
			const listening = await listenPrivately(path, source, control);
			return { event: { type: "server.opened", address: path }, listening };
		} catch (error) {
			failure = {
				type: "server.failed",
				address: path,
				error: errorInfo(error),
			};
			if (error instanceof SocketInUse) break;
		}
	}
	return {
		event: failure ?? {
			type: "server.failed",
			address: "",
			error: { name: "Error", message: "no path to listen at" },
		},
	};
}

class SocketInUse extends Error {}

async function makeRoom(path: string): Promise<void> {
	const found = attempt(() => lstatSync(path));
	if (!found) return;
	if (!found.isSocket()) throw new Error(`found something else than a socket at ${path}`);
	if (await isAnswered(path)) throw new SocketInUse(`the socket ${path} belongs to an init that is alive`);
	unlinkSync(path);
}

async function isAnswered(path: string): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = connect(path);
	// Silence is not death: the other may be stopped, or busy.
	socket.setTimeout(ANSWER_MS, () => resolve(true));
	socket.once("connect", () => resolve(true));
	socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code !== "ECONNREFUSED"));
	const answered = await promise;
	socket.destroy();
	return answered;
}

async function listenPrivately(path: string, source: StatusSource, control: Control): Promise<Listening> {
	// bind(2) happens inside this call, and the socket gets its mode before the event loop can accept anybody.
	const opening = serve({ path }, source, control);
	let refused: unknown;
	try {
		chmodSync(path, 0o600);
	} catch (error) {
		refused = error;
	}
	const listening = await opening;
	if (refused) {
		listening.close();
		throw refused;
	}
	return {
		close() {
			listening.close();
			attempt(() => unlinkSync(path));
		},
	};
}
