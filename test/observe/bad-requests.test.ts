/** Requests that no client of ours sends, and answers that no init gives. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { serve } from "../../src/observe/server.ts";
import { StatusSource } from "../../src/observe/status.ts";
import type { JobCommand } from "../../src/supervisor/commands.ts";
import { lastcall } from "../helpers/cli.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { until } from "../helpers/until.ts";

interface Init extends Disposable {
	readonly path: string;
	readonly commands: readonly JobCommand[];
}

async function openInit(): Promise<Init> {
	const directory = makeDirectory();
	const path = join(directory.path, "init.sock");
	const commands: JobCommand[] = [];
	const close = await serve({ path }, new StatusSource([], 10_000), async (command) => {
		commands.push(command);
		return { done: true, message: "done" };
	});
	return {
		path,
		commands,
		[Symbol.dispose]() {
			close();
			directory[Symbol.dispose]();
		},
	};
}

/** What comes back until the connection is closed. */
function send(path: string, request: string): Promise<string> {
	const socket = connect(path);
	socket.on("error", () => {});
	socket.write(request);
	return text(socket).catch(() => "");
}

const status = (answer: string) => Number(answer.split(" ")[1]);
const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\n`;

test("serve() blames the client for a request that cannot be understood", async () => {
	using init = await openInit();
	const cases: [request: string, status: number][] = [
		[`${get("//")}\r\n`, 404],
		[`${get("http://[")}\r\n`, 404],
		[`${get("http://init/livez")}\r\n`, 200],
		[`${get("/livez?x=%")}\r\n`, 200],
		[`${get("/livez")}Expect: miracles\r\n\r\n`, 417],
		["POST /jobs/%/stop HTTP/1.1\r\nHost: x\r\n\r\n", 400],
		["\0\0\0\r\n\r\n", 400],
		[`${get("/livez")}X: ${"x".repeat(20_000)}\r\n\r\n`, 431],
	];
	for (const [request, expected] of cases) assert.equal(status(await send(init.path, request)), expected, request);
	assert.deepEqual(init.commands, []);
});

test("serve() takes the name of a job as it was sent", async () => {
	using init = await openInit();
	for (const name of ["..", "", "%2e%2e%2F"]) {
		const request = `POST /jobs/${name}/stop HTTP/1.1\r\nHost: x\r\n\r\n`;
		assert.equal(status(await send(init.path, request)), 200);
	}
	assert.deepEqual(
		init.commands.map(({ job }) => job),
		["..", "", "../"],
	);
});

test("serve() gives a slow client ten seconds, however often it sends a little", async (t) => {
	using init = await openInit();
	// The clock of the server's timers is ours; the event loop's turns are not.
	t.mock.timers.enable({ apis: ["setTimeout"] });
	const clients = ["", "GET /liv", "GET /livez HTTP/1.1\r\nX: "].map((request) => new SlowClient(init.path, request));
	const [, , dripping] = clients;
	for (let second = 0; clients.some(({ closed }) => !closed); second++) {
		assert.ok(second < 1_000, "it was given more");
		dripping?.write("x");
		// What has been sent is read, and what has been closed is told.
		for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
		for (const client of clients) client.see(second);
		t.mock.timers.tick(1_000);
	}
	for (const { heldFor } of clients) assert.ok(heldFor >= 9, `closed in the second after ${heldFor} s`);
});

class SlowClient {
	closed = false;
	/** Seconds after which it was seen open. */
	heldFor = 0;
	readonly #socket: Socket;

	constructor(path: string, request: string) {
		this.#socket = connect(path);
		this.#socket.on("error", () => {});
		this.#socket.on("close", () => {
			this.closed = true;
		});
		this.#socket.resume();
		if (request !== "") this.#socket.write(request);
	}

	write(text: string): void {
		this.#socket.write(text);
	}

	see(second: number): void {
		if (!this.closed) this.heldFor = second;
	}
}

test("serve() holds 256 connections, and turns away whoever is over that", async () => {
	using init = await openInit();
	const sockets = Array.from({ length: 400 }, () => {
		const socket = connect(init.path);
		socket.on("error", () => {});
		// Else its end is never seen.
		return socket.resume();
	});
	const open = () => sockets.filter(({ closed }) => !closed);
	await until(() => open().length === 256, "256 are left");
	for (const socket of sockets) socket.destroy();
	// The server hears of it a moment later.
	const answers = async () => status(await send(init.path, `${get("/livez")}\r\n`));
	await until(async () => (await answers()) === 200, "it answers again");
});

test("lastcall status and stop tell somebody else's answer from an init's", async () => {
	using directory = makeDirectory();
	const path = join(directory.path, "other.sock");
	let answer = "";
	const other = createHttpServer((_, response) => response.end(answer));
	await once(other.listen(path), "listening");
	try {
		for (answer of ["<html>", '{"jobs":[null],"done":true}'])
			for (const args of [["status"], ["status", "--json"], ["stop", "a"]]) {
				const { code, stdout, stderr } = await lastcall([...args, `--socket=${path}`]);
				assert.deepEqual([code, stdout], [1, ""], answer);
				assert.match(stderr, /^lastcall: Cannot understand the answer: .*\n$/);
			}
	} finally {
		other.close();
	}
});

test("lastcall status does not read an answer that never ends", async () => {
	using directory = makeDirectory();
	const path = join(directory.path, "endless.sock");
	const endless = createServer((socket) => {
		socket.on("error", () => {});
		socket.write("HTTP/1.1 200 OK\r\n\r\n");
		const more = () => {
			while (socket.writable && socket.write(Buffer.alloc(65_536, "x")));
			if (socket.writable) socket.once("drain", more);
		};
		more();
	});
	await once(endless.listen(path), "listening");
	try {
		const { code, stderr } = await lastcall(["status", `--socket=${path}`]);
		assert.equal(code, 1);
		assert.match(stderr, /^lastcall: Cannot reach .*\(an answer without end\)/);
	} finally {
		endless.close();
	}
});
