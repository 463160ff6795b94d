import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A port of 127.0.0.1 that is free at this moment. */
export async function freePort(): Promise<number> {
	const { port, server } = await takePort();
	server.close();
	await once(server, "close");
	return port;
}

/** A port of 127.0.0.1 that somebody listens on. */
export async function takePort() {
	const server = createServer();
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	return {
		port,
		server,
		[Symbol.dispose]: () => void server.close(),
	};
}
