/** What stands before the pods of a service, and what calls it: as kube-proxy balances connections, and as clients make them. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./ports.ts";
import { PATIENCE_MS } from "./until.ts";

/** Gives each new connection to the next of its endpoints. A connection stays where it is, even if its endpoint is removed. */
export class Balancer implements AsyncDisposable {
	readonly port: number;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	readonly #endpoints: number[] = [];
	/** When a connection was made, in milliseconds since 1970, by endpoint. */
	readonly #connections = new Map<number, number[]>();
	#next = 0;

	/** Use with `await using`: its connections are cut at the end of the block. */
	static async start(): Promise<Balancer> {
		const port = await freePort();
		const balancer = new Balancer(port);
		await once(balancer.#server, "listening");
		return balancer;
	}

	private constructor(port: number) {
		this.port = port;
		this.#server = createServer({ allowHalfOpen: true }, (client) => this.#forward(client));
		this.#server.listen(port, "127.0.0.1");
	}

	/** Ports of 127.0.0.1. */
	add(endpoint: number): void {
		if (!this.#endpoints.includes(endpoint)) this.#endpoints.push(endpoint);
	}

	remove(endpoint: number): void {
		const index = this.#endpoints.indexOf(endpoint);
		if (index !== -1) this.#endpoints.splice(index, 1);
	}

	/** When connections were made to an endpoint, in milliseconds since 1970. */
	connectionsTo(endpoint: number): readonly number[] {
		return this.#connections.get(endpoint) ?? [];
	}

	#forward(client: Socket): void {
		const endpoint = this.#endpoints[this.#next++ % this.#endpoints.length];
		if (endpoint === undefined) {
			client.resetAndDestroy();
			return;
		}
		const times = this.#connections.get(endpoint) ?? [];
		this.#connections.set(endpoint, times);
		times.push(Date.now());
		const pod = connect({ port: endpoint, host: "127.0.0.1", allowHalfOpen: true });
		for (const [from, to] of [
			[client, pod],
			[pod, client],
		] as const) {
			this.#sockets.add(from);
			from.pipe(to);
			// Refused or reset on the one side, reset on the other: nothing is tried again.
			from.on("error", () => to.resetAndDestroy());
			from.once("close", () => this.#sockets.delete(from));
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#server.close();
		for (const socket of this.#sockets) socket.destroy();
		await once(this.#server, "close");
	}
}

/** Clients that go on sending requests: one half of them on connections that they keep, the other on a new one for each. */
export class Clients implements AsyncDisposable {
	/** What became of the requests that were not answered with 200. */
	readonly failures: string[] = [];
	answered = 0;
	readonly #end = new AbortController();
	readonly #agents: readonly Agent[];
	readonly #body: string | undefined;
	readonly #sending: Promise<unknown>;

	/**
	 * Use with `await using`: it ends with the block, when every request has its answer.
	 *
	 * @param body Of each request, which is a POST. @default each is a GET
	 */
	constructor(port: number, count = 8, body?: string) {
		this.#body = body;
		this.#agents = Array.from(
			{ length: count },
			(_, index) => new Agent({ keepAlive: index % 2 === 0, maxSockets: 1 }),
		);
		this.#sending = Promise.all(this.#agents.map((agent) => this.#send(port, agent)));
	}

	async #send(port: number, agent: Agent): Promise<void> {
		while (!this.#end.signal.aborted) {
			const result = await send(port, agent, this.#body);
			if (result === "200") this.answered++;
			else this.failures.push(`${new Date().toISOString()} ${result}`);
			await sleep(5);
		}
	}

	/** Resolves when every request has its answer. */
	async end(): Promise<void> {
		this.#end.abort();
		await this.#sending;
		for (const agent of this.#agents) agent.destroy();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.end();
	}
}

/** The status of the answer, or the code of the error. */
function send(port: number, agent: Agent, body?: string): Promise<string> {
	return new Promise((resolve) => {
		const method = body === undefined ? "GET" : "POST";
		const sent = request({ method, port, host: "127.0.0.1", agent, timeout: PATIENCE_MS }, (response) => {
			response.resume();
			response.once("error", ({ message }) => resolve(message));
			response.once("end", () => resolve(String(response.statusCode)));
		});
		sent.once("timeout", () => sent.destroy(new Error("no answer")));
		sent.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
		sent.end(body);
	});
}
