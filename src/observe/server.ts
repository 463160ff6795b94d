/**
 * Listens for whoever asks something of the init. Only the listening happens at the start: HTTP costs as much time to load
 * as a thread to start, and is loaded for the first connection.
 */
import type { Server as HttpServer } from "node:http";
import { createServer } from "node:net";
import type { Control } from "../supervisor/control.ts";
import type { State } from "./state.ts";

export interface Listening {
	/** Ends the listening, and every connection. */
	close(): void;
}

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
	const load = async () => {
		const { createHttpServer } = await import("./http.ts");
		return createHttpServer(state, control);
	};
	// Paused: what arrives before HTTP is there has to wait in the kernel.
	const server = createServer({ pauseOnConnect: true }, (socket) => {
		socket.on("error", () => {});
		http ??= load();
		http.then(
			(loaded) => {
				loaded.emit("connection", socket);
				socket.resume();
			},
			() => socket.destroy(),
		);
	});
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	server.once("error", reject);
	server.listen(where, resolve);
	await promise;
	// No more descriptors, say: whoever asked has no answer, and the jobs are none the wiser.
	server.on("error", () => {});
	return {
		close() {
			server.close();
			void http?.then((loaded) => loaded.closeAllConnections());
		},
	};
}
