/** Asks a job from outside whether it is ready, again and again, until it is. */
import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import { connect } from "node:net";
import { basename, resolve } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt, errorInfo } from "../base/errors.ts";

/**
 * How a job shows that it is ready.
 *
 * - `started`: it runs
 * - `notify`: it says so
 * - `exit`: it has ended well
 * - `http`: a GET is answered with a status below 400
 * - `tcp`: something accepts connections
 */
export type Readiness =
	| { readonly type: "started" | "notify" | "exit" }
	| { readonly type: "http"; readonly url: string }
	| { readonly type: "tcp"; readonly host: string; readonly port: number };

export type Probe = Extract<Readiness, { type: "http" | "tcp" }>;

const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 500;
/** For one answer: a server that accepts and is silent is asked again. */
const ANSWER_MS = 2_000;

/**
 * Settles when the probe has succeeded, or the signal is aborted; never rejects.
 *
 * @param onFailure Told why each attempt failed.
 */
export async function pollUntilReady(
	probe: Probe,
	signal: AbortSignal,
	onFailure: (message: string) => void,
): Promise<void> {
	let retryMs = RETRY_FIRST_MS;
	while (!signal.aborted) {
		const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
		try {
			return await ask(probe, limit);
		} catch (error) {
			if (signal.aborted) return;
			onFailure(
				limit.aborted
					? `no answer in ${ANSWER_MS} ms`
					: errorInfo(error).message || errorInfo(error).code || "no answer",
			);
		}
		await sleep(retryMs, undefined, { signal }).catch(() => {});
		retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
	}
}

async function ask(probe: Probe, signal: AbortSignal): Promise<void> {
	if (probe.type === "tcp") return askTcp(probe, signal);
	const { get } = probe.url.startsWith("https:") ? await import("node:https") : await import("node:http");
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	// No agent: a connection that is kept would be one that the job has to close at its stop.
	const request = get(probe.url, { agent: false, signal }, (response) => {
		const { statusCode = 0 } = response;
		request.destroy();
		if (statusCode >= 200 && statusCode < 400) resolve();
		else reject(new Error(`status ${statusCode}`));
	});
	request.on("error", reject);
	return promise;
}

function askTcp({ host, port }: Extract<Probe, { type: "tcp" }>, signal: AbortSignal): Promise<void> {
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	const socket = connect({ host, port, signal });
	socket.once("connect", () => {
		socket.destroy();
		resolve();
	});
	socket.on("error", reject);
	return promise;
}

// ==== from node-channel.ts

/**
 * Node.js's own channel to a child, `process.send()`, read by ourselves.
 *
 * `node:child_process` throws at what is no JSON, in a callback where nobody can catch it, and keeps a line without an end
 * whole. Nothing that a job sends may stop the service.
 *
 * Invariants:
 * - Nothing that comes throws. Of a line that is not over only its beginning is kept.
 * - The channel stays open when the job is ready: `process.send()` fails in the child once it is closed.
 */

/** The environment of a child that has the channel as its descriptor 3. */
export const CHANNEL_ENV = {
	NODE_CHANNEL_FD: "3",
	NODE_CHANNEL_SERIALIZATION_MODE: "json",
} as const;

const READY = JSON.stringify("ready");
const SHEBANG_LENGTH = 256;

/** Calls back when the child says `process.send("ready")`; passes over all else. */
export function readChannel(stream: Readable, onReady: () => void): void {
	let rest = "";
	stream.on("data", (bytes: Buffer) => {
		const lines = (rest + bytes.toString("latin1")).split("\n");
		// One character more than any line that matters.
		rest = (lines.pop() ?? "").slice(0, READY.length + 1);
		if (lines.includes(READY)) onReady();
	});
	// A channel that breaks is closed.
	stream.on("error", () => {});
}

/**
 * Whether the command runs Node.js: by its name, by the first line of its script, or by a shell that becomes it. No other may
 * find the variables of the channel: it would hand them on to a Node.js further below, which aborts where the descriptor is
 * not what they say.
 */
export function runsNode(
	[program = "", option, script = ""]: readonly string[],
	{ cwd, path }: { readonly cwd: string; readonly path: string | undefined },
): boolean {
	if (option === "-c" && /\bexec ['"]?(\S*\/)?node(js)?(?=[\s'"]|$)/.test(script)) return true;
	const folders = program.includes("/") ? [""] : (path ?? "").split(":");
	for (const folder of folders) {
		const file = attempt(() => realpathSync(resolve(cwd, folder, program)));
		if (file !== undefined) return /^node(js)?$/.test(basename(file)) || isNodeScript(file);
	}
	return false;
}

function isNodeScript(file: string): boolean {
	const start = attempt(() => {
		const descriptor = openSync(file, "r");
		try {
			const bytes = Buffer.alloc(SHEBANG_LENGTH);
			return bytes.toString("latin1", 0, readSync(descriptor, bytes));
		} finally {
			closeSync(descriptor);
		}
	});
	return /^#!.*\bnode(js)?\b/.test(start ?? "");
}
