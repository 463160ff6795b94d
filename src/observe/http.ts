/** Answers what is asked of the init from outside: probes, status, metrics; on its own socket commands, too. */
import {
	createServer,
	type IncomingMessage,
	type Server,
	type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { attempt, errorInfo } from "../errors.ts";
import type { Control, JobCommand } from "../supervisor/control.ts";
import type { State } from "./state.ts";

/** Of whoever sends a request slowly, or takes the answer slowly. */
const PEER_MS = 10_000;

/**
 * A server that listens nowhere: give it connections.
 *
 * @param control Without it everything is read-only.
 */
export function createHttpServer(
	state: State,
	control: Control | undefined,
): Server {
	const server = createServer((request, response) => {
		// Until the answer is there the time is ours, not the peer's: a job may take long to stop.
		deadlines.get(request.socket)?.clear();
		answer(request, state, control)
			.catch((error) => text(500, `${errorInfo(error).message}\n`))
			.then((reply) => {
				deadlines.get(request.socket)?.set();
				send(request, response, reply);
			});
	});
	// Node.js looks after slow peers itself only where the HTTP server is the one that listens.
	const deadlines = new WeakMap<Socket, Deadline>();
	server.on("connection", (socket) => {
		const deadline = new Deadline(socket);
		deadlines.set(socket, deadline);
		socket.once("close", () => deadline.clear());
	});
	// Without a listener Node.js would answer 417 and keep the connection.
	server.on("checkExpectation", (request, response) =>
		send(request, response, text(417, "Expected no such expectation\n")),
	);
	return server;
}

/** Ends a connection whose peer is slow. */
class Deadline {
	readonly #socket: Socket;
	#timer: NodeJS.Timeout | undefined;

	constructor(socket: Socket) {
		this.#socket = socket;
		this.set();
	}

	set(): void {
		this.clear();
		const end = () => this.#socket.destroy();
		this.#timer = setTimeout(end, PEER_MS).unref();
	}

	clear(): void {
		clearTimeout(this.#timer);
	}
}

/** What goes before the path where it was asked through a proxy. */
const ORIGIN = /^https?:\/\/[^/?]*/i;

interface Reply {
	readonly status: number;
	readonly type: string;
	readonly body: string;
}

async function answer(
	{ method, url = "/" }: IncomingMessage,
	state: State,
	control: Control | undefined,
): Promise<Reply> {
	// As it was sent: a URL would make `/jobs/../stop` something else.
	const [pathname = "", query] = url.replace(ORIGIN, "").split("?", 2);
	const command = /^\/jobs\/([^/]*)\/(stop|restart|signal)$/.exec(pathname);
	if (command) {
		if (!control)
			return text(403, "Commands are taken on the init's own socket only\n");
		if (method !== "POST") return text(405, "Expected POST\n");
		const [, encoded = "", type] = command;
		const job = attempt(() => decodeURIComponent(encoded));
		if (job === undefined)
			return text(400, "Expected the name of a job, percent-encoded\n");
		const signal = new URLSearchParams(query).get("signal") ?? "";
		const result = await control({ type, job, signal } as JobCommand);
		return json(result.done ? 200 : 409, result);
	}
	if (method !== "GET" && method !== "HEAD")
		return text(405, "Expected GET or HEAD\n");
	switch (pathname) {
		case "/livez":
			return text(200, "ok\n");
		case "/readyz":
			return state.status.ready ? text(200, "ready\n") : notReady(state);
		case "/status":
			return json(200, state.status);
		case "/metrics": {
			const { createMetrics } = await import("./metrics.ts");
			const metrics = createMetrics(state);
			return {
				status: 200,
				type: metrics.contentType,
				body: await metrics.render(),
			};
		}
		default:
			return text(404, "Expected one of /livez, /readyz, /status, /metrics\n");
	}
}

function notReady(state: State): Reply {
	const { state: program, jobs } = state.status;
	const list = jobs.map(({ name, state }) => `${name}: ${state}\n`).join("");
	return text(503, program === "stopping" ? "stopping\n" : list);
}

function text(status: number, body: string): Reply {
	return { status, type: "text/plain; charset=utf-8", body };
}

function json(status: number, value: unknown): Reply {
	return { status, type: "application/json", body: JSON.stringify(value) };
}

function send(
	request: IncomingMessage,
	response: ServerResponse,
	{ status, type, body }: Reply,
): void {
	response.writeHead(status, {
		"content-type": type,
		"content-length": Buffer.byteLength(body),
		"cache-control": "no-store",
		// A connection that is kept would be one more to close at the stop.
		connection: "close",
	});
	response.end(request.method === "HEAD" ? undefined : body);
}
