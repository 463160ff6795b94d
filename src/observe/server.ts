/**
 * Listens for whoever asks something of the init. Only the listening happens at the start: HTTP costs as much time to load
 * as a thread to start, and is loaded for the first connection.
 */
import type { Server as HttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import type { Control } from "../supervisor/control.ts";
import type { State } from "./state.ts";

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
	where:
		| { readonly host: string; readonly port: number }
		| { readonly path: string },
	state: State,
	control?: Control,
): Promise<Listening> {
	let http: Promise<HttpServer> | undefined;
	const sockets = new Set<Socket>();
	const load = async () => {
		const { createHttpServer } = await import("./http.ts");
		return createHttpServer(state, control);
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
