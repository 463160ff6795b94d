import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, type AgentOptions, createServer, get } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { drain } from "lastcall";
import { Lines } from "../helpers/lines.ts";

const DRAINING = join(import.meta.dirname, "../fixtures/draining.ts");

async function listen(server: TcpServer): Promise<number> {
	await once(server.listen(0, "127.0.0.1"), "listening");
	return (server.address() as AddressInfo).port;
}

function newAgent(t: TestContext, options: AgentOptions = {}): Agent {
	const agent = new Agent(options);
	t.after(() => agent.destroy());
	return agent;
}

async function request(port: number, agent: Agent) {
	const sent = get({ host: "127.0.0.1", port, agent });
	const [response] = await once(sent, "response");
	await once(response.resume(), "end");
	return { socket: sent.socket, headers: response.headers };
}

test("drain() answers on a connection that is there, tells it to close, and refuses new ones", async (t) => {
	const server = createServer((_, response) => response.end("done"));
	const port = await listen(server);
	const agent = newAgent(t, { keepAlive: true, maxSockets: 1 });
	const before = await request(port, agent);
	assert.equal(before.headers.connection, "keep-alive");
	const drained = drain(server, { idle: "1m" });
	const { headers, socket } = await request(port, agent);
	assert.equal(socket, before.socket);
	assert.equal(headers.connection, "close");
	await drained;
	const other = newAgent(t);
	await assert.rejects(request(port, other), { code: "ECONNREFUSED" });
});

test("drain() closes a connection that stays idle", async (t) => {
	const server = createServer((_, response) => response.end("done"));
	// It would keep the connection for ever.
	server.keepAliveTimeout = 0;
	const port = await listen(server);
	const agent = newAgent(t, { keepAlive: true });
	const { socket } = await request(port, agent);
	const start = performance.now();
	await drain(server, { idle: "300ms" });
	const ms = performance.now() - start;
	assert.ok(ms >= 299, `took ${ms} ms`);
	if (socket && !socket.destroyed) await once(socket, "close");
});

test("drain() cuts what is left when its signal is aborted", async (t) => {
	const server = createServer(() => {});
	const port = await listen(server);
	const agent = newAgent(t);
	const asked = once(server, "request");
	const failed = assert.rejects(request(port, agent), { code: "ECONNRESET" });
	await asked;
	await drain(server, { signal: AbortSignal.timeout(300) });
	await failed;
});

test("drain() cuts upgraded connections, too, when its signal is aborted", async (t) => {
	const server = createServer();
	server.on("upgrade", (_, socket) => {
		socket.on("error", () => {});
		socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
	});
	const port = await listen(server);
	const headers = { connection: "Upgrade", upgrade: "x" };
	const sent = get({ host: "127.0.0.1", port, agent: newAgent(t), headers });
	const [, socket] = await once(sent, "upgrade");
	const closed = once(socket, "close");
	socket.on("error", () => {});
	await drain(server, { signal: AbortSignal.timeout(300) });
	await closed;
});

test("drain() tells an answer that is under way to close its connection", async (t) => {
	const server = createServer();
	const port = await listen(server);
	const agent = newAgent(t, { keepAlive: true });
	const answered = request(port, agent);
	const [, response] = await once(server, "request");
	const drained = drain(server);
	response.end("done");
	const { headers } = await answered;
	assert.equal(headers.connection, "close");
	await drained;
});

test("drain() leaves a socket that was handed down to its other owners", async (t) => {
	// The owner listens, and starts an app that has the socket as descriptor 3.
	const owner = createTcpServer();
	const port = await listen(owner);
	t.after(() => owner.close());
	const { _handle: handle } = owner as unknown as { _handle: { fd: number } };
	const app = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", DRAINING], {
		stdio: ["ignore", "pipe", "inherit", handle.fd],
	});
	await Lines.from(app.stdout as Readable).waitFor(/^drained$/);
	const socket = connect({ host: "127.0.0.1", port });
	await once(socket, "connect");
	socket.destroy();
	app.kill();
});

test("drain() of a server that does not listen resolves at once", () => drain(createServer()));
