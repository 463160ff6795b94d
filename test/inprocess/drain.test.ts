import assert from "node:assert/strict";
import { once } from "node:events";
import {
	Agent,
	type AgentOptions,
	createServer,
	get,
	type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { drain } from "lastcall";

async function listen(server: Server): Promise<number> {
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

test("drain() of a server that does not listen resolves at once", () =>
	drain(createServer()));
