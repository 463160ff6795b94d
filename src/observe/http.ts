/** Answers what is asked of the init from outside: probes, status, metrics; on its own socket commands, too. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { attempt, errorInfo } from "../base/errors.ts";
import { loadPackage } from "../base/packages.ts";
import type { Control, JobCommand } from "../supervisor/commands.ts";
import { JOB_STATES, type StatusSource } from "./status.ts";

/** For a visitor to send its request, and again to take the answer. */
const VISITOR_MS = 10_000;

/**
 * A server that listens nowhere: give it connections.
 *
 * @param control Without it everything is read-only.
 */
export function createHttpServer(source: StatusSource, control: Control | undefined): Server {
	const asking = new WeakMap<Socket, () => void>();
	const server = createServer((request, response) => {
		// How long the answer takes is our own matter: a stop lasts as long as the job needs.
		asking.get(request.socket)?.();
		answer(request, source, control).then(
			(reply) => send(request, response, reply),
			(error) => send(request, response, text(500, `${errorInfo(error).message}\n`)),
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
	source: StatusSource,
	control: Control | undefined,
): Promise<Reply> {
	// As it was sent: a URL would make `/jobs/../stop` something else.
	const [pathname = "", query] = url.replace(ORIGIN, "").split("?", 2);
	const command = /^\/jobs\/([^/]*)\/(stop|restart|signal)$/.exec(pathname);
	if (command) {
		if (!control) return text(403, "Commands are taken on the init's own socket only\n");
		if (method !== "POST") return text(405, "Expected POST\n");
		const [, encoded = "", type] = command;
		const job = attempt(() => decodeURIComponent(encoded));
		if (job === undefined) return text(400, "Expected the name of a job, percent-encoded\n");
		const signal = new URLSearchParams(query).get("signal") ?? "";
		const result = await control({ type, job, signal } as JobCommand);
		return json(result.done ? 200 : 409, result);
	}
	if (method !== "GET" && method !== "HEAD") return text(405, "Expected GET or HEAD\n");
	switch (pathname) {
		case "/livez":
			return text(200, "ok\n");
		case "/readyz":
			return source.status.ready ? text(200, "ready\n") : notReady(source);
		case "/status":
			return json(200, source.status);
		case "/metrics": {
			const metrics = createMetrics(source);
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

function notReady(source: StatusSource): Reply {
	const { state: program, jobs } = source.status;
	const list = jobs.map(({ name, state }) => `${name}: ${state}\n`).join("");
	return text(503, program === "stopping" ? "stopping\n" : list);
}

function text(status: number, body: string): Reply {
	return { status, type: "text/plain; charset=utf-8", body };
}

function json(status: number, value: unknown): Reply {
	return { status, type: "application/json", body: JSON.stringify(value) };
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Reply): void {
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

// ==== from metrics.ts

/** What is true now, in Prometheus's text format. */

export interface Metrics {
	readonly contentType: string;
	render(): Promise<string>;
}

/** Everything is read from the state when it is asked for: nothing is counted twice, and nothing while nobody asks. */
export function createMetrics(source: StatusSource): Metrics {
	const { Counter, Gauge, Registry } = loadPackage("prom-client");
	const registry = new Registry();
	const registers = [registry];

	new Gauge({
		name: "lastcall_build_info",
		help: "Always 1; the labels tell what runs",
		labelNames: ["version", "node"],
		registers,
		collect() {
			const { version } = source.status;
			this.set({ version, node: process.version }, 1);
		},
	});
	new Gauge({
		name: "lastcall_ready",
		help: "1 if every essential job is ready and no stop was requested",
		registers,
		collect() {
			this.set(source.status.ready ? 1 : 0);
		},
	});
	new Gauge({
		name: "lastcall_jobs",
		help: "Jobs by state",
		labelNames: ["state"],
		registers,
		collect() {
			const { jobs } = source.status;
			for (const name of JOB_STATES) this.set({ state: name }, jobs.filter((job) => job.state === name).length);
		},
	});
	new Gauge({
		name: "lastcall_job_ready",
		help: "1 if the job is ready, or has ended well where that is its readiness",
		labelNames: ["job"],
		registers,
		collect() {
			for (const { name, state: job } of source.status.jobs)
				this.set({ job: name }, job === "ready" || job === "completed" ? 1 : 0);
		},
	});
	new Counter({
		name: "lastcall_job_restarts_total",
		help: "Restarts of a job after it had ended",
		labelNames: ["job"],
		registers,
		collect() {
			this.reset();
			for (const { name, restarts } of source.status.jobs) this.inc({ job: name }, restarts);
		},
	});
	new Counter({
		name: "lastcall_job_exits_total",
		help: "Ends of runs by job and outcome",
		labelNames: ["job", "outcome"],
		registers,
		collect() {
			this.reset();
			for (const [job, outcomes] of source.totals.exits)
				for (const [outcome, count] of outcomes) this.inc({ job, outcome }, count);
		},
	});
	new Counter({
		name: "lastcall_job_stops_total",
		help: "Jobs that were asked to stop, by outcome",
		labelNames: ["outcome"],
		registers,
		collect() {
			this.reset();
			for (const [outcome, { count }] of source.totals.stops) this.inc({ outcome }, count);
		},
	});
	new Counter({
		name: "lastcall_job_stop_seconds_total",
		help: "Time between the request to stop and the exit, by outcome",
		labelNames: ["outcome"],
		registers,
		collect() {
			this.reset();
			for (const [outcome, { ms }] of source.totals.stops) this.inc({ outcome }, ms / 1_000);
		},
	});
	new Counter({
		name: "lastcall_orphans_reaped_total",
		help: "Orphans that the init has collected",
		registers,
		collect() {
			this.reset();
			this.inc(source.status.orphansReaped);
		},
	});
	return {
		contentType: registry.contentType,
		render: () => registry.metrics(),
	};
}
