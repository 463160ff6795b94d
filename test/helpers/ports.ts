import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Below the ports that the kernel gives to clients: those are taken and free again at any moment, and a client may be connected to itself there. */
const LOWEST = 12_000;
const HIGHEST = 31_999;

/** A port of 127.0.0.1 that is free at this moment. */
export async function freePort(): Promise<number> {
	const { port, server } = await takePort();
	server.close();
	await once(server, "close");
	return port;
}

/** A port of 127.0.0.1 that somebody listens on. */
export async function takePort() {
	for (;;) {
		const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
		const server = createServer();
		if (!(await listens(server, port))) continue;
		return { port, server, [Symbol.dispose]: () => void server.close() };
	}
}

/** `false`: the port is taken. */
function listens(server: Server, port: number): Promise<boolean> {
	return new Promise((resolve, reject) => {
		server.once("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "EADDRINUSE") resolve(false);
			else reject(error);
		});
		server.listen(port, "127.0.0.1", () => resolve(true));
	});
}
