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

/** For a visitor to send its request, and again to take the answer. */
const VISITOR_MS = 10_000;

/**
 * A server that listens nowhere: give it connections.
 *
 * @param control Without it everything is read-only.
 */
export function createHttpServer(
	state: State,
	control: Control | undefined,
): Server {
	const asking = new WeakMap<Socket, () => void>();
	const server = createServer((request, response) => {
		// How long the answer takes is our own matter: a stop lasts as long as the job needs.
		asking.get(request.socket)?.();
		answer(request, state, control).then(
			(reply) => send(request, response, reply),
			(error) =>
				send(request, response, text(500, `${errorInfo(error).message}\n`)),
		);
	});
	// Node.js enforces its own limits only where the HTTP server itself listens.
	server.on("connection", (socket) => asking.set(socket, limit(socket)));
	// Without a listener Node.js would answer 417 and keep the connection.
	server.on("checkExpectation", (request, response) =>
		send(request, response, text(417, "Expected no such expectation\n")),
	);
	return server;
}

/**
 * Ends a connection that is still there after a while: each one costs a descriptor.
 *
 * @returns Lifts the limit.
 */
function limit(socket: Socket): () => void {
	let lifted = false;
	// Looks once more: timers run before what the same turn of the event loop has to read.
	const look = () => setImmediate(() => lifted || socket.destroy());
	const late = setTimeout(look, VISITOR_MS).unref();
	const lift = () => {
		lifted = true;
		clearTimeout(late);
	};
	socket.once("close", lift);
	return lift;
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
	limit(request.socket);
	response.writeHead(status, {
		"content-type": type,
		"content-length": Buffer.byteLength(body),
		"cache-control": "no-store",
		// A connection that is kept would be one more to close at the stop.
		connection: "close",
	});
	response.end(request.method === "HEAD" ? undefined : body);
}
