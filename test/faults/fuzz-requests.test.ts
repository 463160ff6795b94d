/** What nobody should send, sent to the control socket and the HTTP port of one running service, which must not notice. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDirectory, type TestDirectory } from "../helpers/directory.ts";
import { type Container, runContainer } from "../helpers/docker.ts";
import { parseEvents } from "../helpers/events.ts";
import { keepFigures } from "../helpers/figures.ts";
import { fixtureImage } from "../helpers/images.ts";
import { freePort } from "../helpers/ports.ts";
import { fc, holds } from "../helpers/property.ts";
import { until } from "../helpers/until.ts";

/** Longer than the ten seconds that a slow client has. */
const PATIENCE_MS = 60_000;

let image: string;
before(async () => {
	image = await fixtureImage();
});

/** A service whose socket lies in a folder of ours. */
class Service implements AsyncDisposable {
	readonly container: Container;
	readonly places: Readonly<Record<"socket" | "port", NetConnectOpts>>;
	readonly #folder: TestDirectory;

	static async start(): Promise<Service> {
		const folder = makeDirectory();
		chmodSync(folder.path, 0o777);
		const port = await freePort();
		const loop = (name: string) => ({ command: ["sh", "/app/programs/waiting.sh", name] });
		const config = {
			http: { port },
			jobs: {
				thread: { thread: "/app/jobs/waiting.ts", readiness: "notify" },
				steady: loop("steady"),
				// The one that commands may hit.
				victim: { ...loop("victim"), essential: false },
			},
		};
		const file = join(folder.path, "lastcall.config.json");
		writeFileSync(file, JSON.stringify(config));
		const container = await runContainer({
			image,
			args: ["run", "/shared/lastcall.config.json"],
			network: "host",
			env: { LASTCALL_SOCKET: "/shared/init.sock" },
			flags: [
				`--volume=${folder.path}:/shared`,
				// The socket is for its own user alone.
				`--user=${process.getuid?.()}:${process.getgid?.()}`,
			],
		});
		const service = new Service(container, folder, port);
		await container.waitForLine(/Job thread is ready/, { timeout: 60_000 });
		const socket = join(folder.path, "init.sock");
		await until(() => existsSync(socket), "it has its socket", PATIENCE_MS);
		return service;
	}

	private constructor(container: Container, folder: TestDirectory, port: number) {
		this.container = container;
		this.#folder = folder;
		const path = join(folder.path, "init.sock");
		this.places = { socket: { path }, port: { host: "127.0.0.1", port } };
	}

	/** Whether it answers, how many descriptors it has open, and how much memory it uses. */
	async look(): Promise<{ descriptors: number; rssKiB: number }> {
		const get = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
		for (const place of Object.values(this.places))
			await until(async () => /^HTTP\/1.1 200 /.test(await talk(place, [get], "end")), "it answers", PATIENCE_MS);
		const { Pid } = (await this.container.inspect()).State;
		const status = readFileSync(`/proc/${Pid}/status`, "utf8");
		return { descriptors: readdirSync(`/proc/${Pid}/fd`).length, rssKiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) };
	}

	/** Stops it, and says that nothing has happened to the jobs that nobody meant. */
	async stop(): Promise<void> {
		const { ms } = await this.container.stop();
		const { stdout, stderr } = await this.container.logs();
		const events = parseEvents(stdout.split("\n"));
		assert.equal(await this.container.exitCode(), 0, stdout + stderr);
		assert.ok(ms < 10_000, `the stop took ${ms} ms`);
		const lines = events.filter((event) => "job" in event && ["thread", "steady"].includes(event.job));
		assert.deepEqual(lines.map((event) => `${event.type} ${"job" in event && event.job}`).sort(), [
			...["job.exited steady", "job.exited thread"],
			...["job.ready thread", "job.started steady", "job.started thread"],
		]);
		assert.ok(!events.some(({ type }) => type === "error.caught"), stdout);
		assert.equal(stderr, "");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.container[Symbol.asyncDispose]();
		this.#folder[Symbol.dispose]();
	}
}

type End = "end" | "wait" | "reset";

/** Sends pieces; returns what came back until the other side has closed the connection. */
async function talk(place: NetConnectOpts, pieces: readonly (string | Uint8Array)[], end: End): Promise<string> {
	const socket = connect({ ...place, allowHalfOpen: true } as NetConnectOpts);
	const answer: Buffer[] = [];
	const closed = new Promise<void>((resolve) => {
		socket.once("close", () => resolve());
		// The other side has ended: nothing more is to come.
		socket.once("end", () => socket.destroy());
	});
	socket.on("error", () => {});
	socket.on("data", (bytes: Buffer) => answer.push(bytes));
	for (const piece of pieces) {
		socket.write(piece);
		// Each in a packet, or at least a read, of its own.
		if (pieces.length > 1) await sleep(1);
	}
	if (end === "end") socket.end();
	if (end === "reset") socket.destroy();
	const late = setTimeout(() => socket.destroy(), PATIENCE_MS);
	const start = performance.now();
	await closed;
	clearTimeout(late);
	assert.ok(performance.now() - start < PATIENCE_MS, "it closes the connection");
	return Buffer.concat(answer).toString("latin1");
}

const bytes = fc.oneof(
	fc.string({ unit: "binary", maxLength: 40 }),
	fc.string({ maxLength: 20 }),
	fc.constantFrom(
		...["\0", "\r\n", "\n", "\r", "%", "%00", "..", "//", "?", "#", " ", "\t"],
		...["a".repeat(20_000), "../".repeat(2_000), "\xff\xfe", "\x1b[2J"],
	),
);

const target = fc.oneof(
	fc.constantFrom(
		...["/livez", "/readyz", "/status", "/metrics", "/", "*", "", "//", "/jobs"],
		...["/jobs/victim/stop", "/jobs/victim/restart", "/jobs/victim/signal"],
		...["/jobs/victim/signal?signal=SIGUSR1", "/jobs/none/stop", "/jobs//stop"],
		...["/jobs/victim/signal?signal=__proto__", "/jobs/../stop", "/jobs/%/stop"],
		...["/jobs/victim%2Fstop", "/jobs/__proto__/stop", "/livez/../status"],
		...["http://x/livez", "http://[", "/%2e%2e/etc/passwd", "/status?%=%&&"],
	),
	bytes.map((text) => `/${text}`),
);

const header = fc.oneof(
	fc.constantFrom(
		...["Host: x", "Host: x", "Host:", "Content-Length: -1", "Content-Length: 9e9"],
		...["Content-Length: 10", "Transfer-Encoding: chunked", "Expect: x", ": x"],
		...["Transfer-Encoding: gzip, chunked", "Connection: upgrade", "Upgrade: h2c"],
		...["Connection: keep-alive", "Expect: 100-continue", "no colon", " folded"],
		"X: y\r\n".repeat(1_500).trim(),
	),
	fc.tuple(bytes, bytes).map(([name, value]) => `${name}: ${value}`),
);

const request = fc
	.record({
		method: fc.oneof(
			{ weight: 6, arbitrary: fc.constantFrom("GET", "POST", "HEAD") },
			fc.constantFrom("PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PRI", "get"),
			bytes,
		),
		target,
		version: fc.constantFrom(...["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", ""]),
		headers: fc.oneof(fc.constant([]), fc.array(header, { maxLength: 4 })),
		eol: fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r"),
		body: fc.oneof(fc.constant(""), bytes, fc.constant("5\r\nhello\r\n0\r\n\r\n")),
	})
	.map(({ method, target, version, headers, eol, body }) =>
		[`${method} ${target} ${version}`, "Host: x", ...headers, "", body].join(eol),
	);

/** What every client may send. */
const right = fc
	.constantFrom(
		...["GET /livez", "GET /readyz", "GET /status", "HEAD /metrics", "GET /metrics"],
		...["POST /jobs/victim/stop", "POST /jobs/victim/restart", "GET /none"],
		...["POST /jobs/victim/signal?signal=SIGCONT", "POST /jobs/none/stop"],
	)
	.map((line) => `${line} HTTP/1.1\r\nHost: x\r\n\r\n`);

const message = fc.oneof(
	{ weight: 2, arbitrary: right },
	{ weight: 4, arbitrary: request },
	{ weight: 1, arbitrary: fc.array(request, { minLength: 2, maxLength: 20 }).map((all) => all.join("")) },
	{
		weight: 1,
		arbitrary: fc.oneof(
			bytes,
			fc.constantFrom(
				"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
				"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
				"x".repeat(200_000),
				"GET /livez HTTP/1.1\r\nHost: x\r\n",
			),
		),
	},
);

const conversation = fc.record({
	place: fc.constantFrom("socket" as const, "port" as const),
	message,
	/** Where it is cut into pieces. */
	cuts: fc.oneof(fc.constant([]), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })),
	end: fc.constantFrom<End[]>("end", "end", "end", "end", "reset"),
});

function cut(text: string, cuts: readonly number[]): Buffer[] {
	const whole = Buffer.from(text, "latin1");
	const places = cuts.map((at) => Math.floor(at * whole.length));
	const all = [0, ...places.sort((a, b) => a - b), whole.length];
	return all
		.slice(1)
		.map((place, index) => whole.subarray(all[index], place))
		.filter(({ length }) => length > 0);
}

test("what cannot be understood, sent to socket and port, disturbs no job, leaks nothing, and a stop works", async (t) => {
	await using service = await Service.start();
	const earlier = await service.look();
	const counts: Record<string, number> = {};
	const batch = 20;
	const tried = await holds(
		t,
		fc.array(conversation, { minLength: batch, maxLength: batch }),
		{ short: 100, full: 1_500 },
		async (all) => {
			const answers = await Promise.all(
				all.map(({ place, message, cuts, end }) => talk(service.places[place], cut(message, cuts), end)),
			);
			for (const answer of answers) {
				const status = /^HTTP\/1\.1 (\d)/.exec(answer)?.[1];
				assert.ok(status !== undefined || answer === "", answer);
				assert.notEqual(status, "5", answer);
				const kind = status ? `answered with ${status}xx` : "closed";
				counts[kind] = (counts[kind] ?? 0) + 1;
			}
		},
	);
	const later = await service.look();
	assert.ok(
		later.descriptors <= earlier.descriptors + 5,
		`${earlier.descriptors} descriptors before, ${later.descriptors} after`,
	);
	keepFigures(t, "bad input", "requests to the control socket and HTTP port", {
		tried: tried * batch,
		...counts,
		"jobs disturbed": 0,
		"descriptors leaked": Math.max(0, later.descriptors - earlier.descriptors),
		"memory grown, MiB": Math.round((later.rssKiB - earlier.rssKiB) / 1024),
	});
	await service.stop();
});

test("connections that never close and senders that drip are ended after ten seconds, and the service answers again", async (t) => {
	await using service = await Service.start();
	const earlier = await service.look();
	const sockets: Socket[] = [];
	const open = () => sockets.filter(({ closed }) => !closed);
	const pieces = ["", "G", "GET /livez HTTP/1.1\r\n", "POST /jobs/none/stop HTTP/1.1\r\nX: "];
	for (const place of Object.values(service.places))
		for (let index = 0; index < 500; index++) {
			const socket = connect(place);
			socket.on("error", () => {});
			socket.resume();
			const piece = pieces[index % pieces.length];
			if (piece) socket.write(piece);
			sockets.push(socket);
		}
	const drip = setInterval(() => {
		for (const socket of open()) if (socket.writable) socket.write("x");
	}, 1_000);
	const start = performance.now();
	try {
		await until(() => open().length === 0, "all are ended", PATIENCE_MS);
	} finally {
		clearInterval(drip);
		for (const socket of sockets) socket.destroy();
	}
	const seconds = (performance.now() - start) / 1_000;
	const later = await service.look();
	assert.ok(later.descriptors <= earlier.descriptors + 5);
	keepFigures(t, "bad input", "connections that never close", {
		tried: sockets.length,
		"ended after, s": Math.round(seconds),
		"descriptors leaked": Math.max(0, later.descriptors - earlier.descriptors),
	});
	await service.stop();
});

test("a stop waits for nobody who holds a connection open", async () => {
	await using service = await Service.start();
	const sockets = Object.values(service.places).flatMap((place) => Array.from({ length: 200 }, () => connect(place)));
	for (const socket of sockets) {
		socket.on("error", () => {});
		socket.write("GET /status HTTP/1.1\r\nHost: x\r\nX: ");
	}
	try {
		await until(() => sockets.every(({ connecting }) => !connecting), "all are connected", PATIENCE_MS);
		await service.stop();
	} finally {
		for (const socket of sockets) socket.destroy();
	}
});
