/** Answers HTTP requests to the init: probes, status and metrics, and commands on its own socket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Registry } from "prom-client";
import { attempt, errorInfo } from "../base/errors.ts";
import { loadPackage } from "../base/packages.ts";
import type { Control, JobCommand } from "../supervisor/commands.ts";
import type { JobState } from "../supervisor/unit.ts";
import type { JobStatus, Status, StatusSource } from "./status.ts";

/** Time for a client to send its request, and the same again to read the answer. */
const CLIENT_MS = 10_000;

/** `registry`: made by the first request for metrics. */
type Context = { readonly source: StatusSource; readonly control: Control | undefined; registry?: Registry };

/** Makes an HTTP server that does not listen: its caller emits `connection`. Without `control` it is read-only. */
export function createHttpServer(source: StatusSource, control: Control | undefined): Server {
	const context: Context = { source, control };
	const lifts = new WeakMap<Socket, () => void>();
	const server = createServer((request, response) => {
		// A stop takes as long as the job needs: while the answer is computed the client has no time limit.
		lifts.get(request.socket)?.();
		answer(request, context).then(
			(reply) => send(request, response, reply),
			(error) => send(request, response, text(500, `${errorInfo(error).message}\n`)),
		);
	});
	// Node.js enforces its own timeouts only if the HTTP server itself listens.
	server.on("connection", (socket) => lifts.set(socket, limit(socket)));
	// Without a listener Node.js answers 417 and keeps the connection open.
	server.on("checkExpectation", (request, response) =>
		send(request, response, text(417, "Expected no such expectation\n")),
	);
	return server;
}

/** Closes a connection that is still open after CLIENT_MS: each one holds a descriptor. Returns what lifts the limit. */
function limit(socket: Socket): () => void {
	let lifted = false;
	// Timers run before the reads of the same turn of the event loop: wait for those.
	const close = () => setImmediate(() => lifted || socket.destroy());
	const timer = setTimeout(close, CLIENT_MS).unref();
	const lift = () => {
		lifted = true;
		clearTimeout(timer);
	};
	socket.once("close", lift);
	return lift;
}

type Reply = Readonly<{ status: number; type: string; body: string }>;

/** A proxy sends the whole URL: this is the part before the path. */
const ORIGIN = /^https?:\/\/[^/?]*/i;

async function answer({ method, url = "/" }: IncomingMessage, context: Context): Promise<Reply> {
	const { source, control } = context;
	// Not parsed by `new URL()`, which would resolve the dots in `/jobs/../stop`.
	const [pathname = "", query] = url.replace(ORIGIN, "").split("?", 2);
	const command = /^(?:\/jobs\/([^/]*))?\/(stop|start|restart|signal)$/.exec(pathname);
	if (command) {
		if (!control) return text(403, "Commands are taken on the init's own socket only\n");
		if (method !== "POST") return text(405, "Expected POST\n");
		const [, encoded, type] = command;
		const job = encoded === undefined ? undefined : attempt(() => decodeURIComponent(encoded));
		if (job === undefined && (encoded !== undefined || type !== "stop"))
			return text(400, "Expected the name of a job, percent-encoded\n");
		const parameters = new URLSearchParams(query);
		const signal = parameters.get("signal") ?? "";
		const result = await control({ type, job, signal, wait: parameters.get("wait") !== "false" } as JobCommand);
		return json(result.done ? 200 : 409, result);
	}
	if (method !== "GET" && method !== "HEAD") return text(405, "Expected GET or HEAD\n");
	if (pathname === "/livez") return answerLivez(source.status);
	if (pathname === "/status") return json(200, source.status);
	if (pathname === "/readyz") {
		const { ready, state, jobs } = source.status;
		if (ready) return text(200, "ready\n");
		return text(503, state === "stopping" ? "stopping\n" : jobs.map((job) => `${job.name}: ${job.state}\n`).join(""));
	}
	if (pathname !== "/metrics") return text(404, "Expected one of /livez, /readyz, /status, /metrics\n");
	context.registry ??= createRegistry(source);
	const { registry } = context;
	return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

/** Not 200 if a job hangs that nothing in this process can replace: then the platform's own probe replaces the container. */
function answerLivez({ state, jobs }: Status): Reply {
	const hung = jobs.filter(({ alive }) => alive === false);
	const isStuck = ({ lastExit }: JobStatus) => lastExit?.outcome === "stuck";
	const lines = hung.map((job) => `${job.name}: unresponsive${isStuck(job) ? ", and stuck" : ""}\n`);
	return text(state === "running" && hung.some(isStuck) ? 503 : 200, lines.join("") || "ok\n");
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
		// A connection that is kept alive would have to be closed at the stop.
		connection: "close",
	});
	response.end(request.method === "HEAD" ? undefined : body);
}

const JOB_STATES: JobState[] = [
	"waiting",
	"scheduled",
	"starting",
	"ready",
	"completed",
	"backing-off",
	"stopping",
	"ended",
];

const READY_STATES: ReadonlySet<JobState> = new Set(["ready", "completed", "scheduled"]);

/** A value, and a value for each of the metric's labels. */
type Sample = readonly [value: number, ...labels: string[]];

/** Defines the metrics. Each scrape reads them from the state: nothing is counted twice, or between scrapes. */
function createRegistry(source: StatusSource): Registry {
	const { Counter, Gauge, Registry } = loadPackage("prom-client");
	const { totals } = source;
	const registry = new Registry();
	const define = (name: string, help: string, labelNames: readonly string[], read: () => readonly Sample[]) => {
		const Metric = name.endsWith("_total") ? Counter : Gauge;
		const metric = new Metric({ name, help, labelNames, registers: [registry], collect });
		function collect(): void {
			metric.reset();
			for (const [value, ...labels] of read()) metric.labels(...labels).inc(value);
		}
	};
	define("lastcall_build_info", "Always 1; the labels tell what runs", ["version", "node"], () => [
		[1, source.status.version, process.version],
	]);
	define("lastcall_ready", "1 if every essential job is ready and no stop was requested", [], () => [
		[Number(source.status.ready)],
	]);
	define("lastcall_jobs", "Jobs by state", ["state"], () => {
		const { jobs } = source.status;
		return JOB_STATES.map((state) => [jobs.filter((job) => job.state === state).length, state]);
	});
	define(
		"lastcall_job_ready",
		"1 if the job is ready, is on its schedule, or has ended well where that is its readiness",
		["job"],
		() => source.status.jobs.map(({ name, state }) => [Number(READY_STATES.has(state)), name]),
	);
	define("lastcall_job_alive", "1 if the job with liveness answers, 0 if its checks have failed", ["job"], () =>
		source.status.jobs.flatMap(({ name, alive }): Sample[] => (alive === undefined ? [] : [[Number(alive), name]])),
	);
	const unresponsiveHelp = "How often a job was stopped since its liveness checks had failed";
	define("lastcall_job_unresponsive_total", unresponsiveHelp, ["job"], () =>
		[...totals.unresponsive].map(([job, count]) => [count, job]),
	);
	define("lastcall_job_restarts_total", "Restarts of a job after it had ended", ["job"], () =>
		source.status.jobs.map(({ name, restarts }) => [restarts, name]),
	);
	define("lastcall_job_exits_total", "Ends of runs by job and outcome", ["job", "outcome"], () =>
		[...totals.exits].flatMap(([job, ends]) => [...ends].map(([outcome, count]): Sample => [count, job, outcome])),
	);
	define("lastcall_job_stops_total", "Jobs that were asked to stop, by outcome", ["outcome"], () =>
		[...totals.stops].map(([outcome, { count }]) => [count, outcome]),
	);
	const secondsHelp = "Time between the request to stop and the exit, by outcome";
	define("lastcall_job_stop_seconds_total", secondsHelp, ["outcome"], () =>
		[...totals.stops].map(([outcome, { ms }]) => [ms / 1_000, outcome]),
	);
	define("lastcall_orphans_reaped_total", "Orphans that the init has collected", [], () => [
		[source.status.orphansReaped],
	]);
	return registry;
}
