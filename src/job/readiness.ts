/** How a job becomes ready: probes from outside, and Node.js's channel, through which a job says so itself. */
import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt, errorInfo } from "../base/errors.ts";
import { ask, type Probe } from "./probe.ts";

const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 500;
/** Longest wait for one answer. A server that accepts the connection, but stays silent, is asked again. */
const ANSWER_MS = 2_000;

/**
 * Asks again and again. Settles when the probe has succeeded, or the signal is aborted; never rejects.
 *
 * @param onFailure Called with the reason each time an attempt fails.
 */
export async function pollUntilReady(
	probe: Probe,
	signal: AbortSignal,
	onFailure: (why: string) => void,
): Promise<void> {
	let retryMs = RETRY_FIRST_MS;
	while (!signal.aborted) {
		const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
		try {
			return await ask(probe, limit);
		} catch (error) {
			if (signal.aborted) return;
			const { message, code } = errorInfo(error);
			onFailure(limit.aborted ? `no answer in ${ANSWER_MS} ms` : message || code || "no answer");
		}
		await sleep(retryMs, undefined, { signal }).catch(() => {});
		retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
	}
}

/** The environment of a child that has Node.js's channel (`process.send()`) as its descriptor 3. */
export const CHANNEL_ENV = { NODE_CHANNEL_FD: "3", NODE_CHANNEL_SERIALIZATION_MODE: "json" } as const;

const READY = JSON.stringify("ready");

/**
 * Calls `onReady` each time the child says `process.send("ready")`, and ignores all else.
 *
 * We read the channel ourselves: `node:child_process` throws at invalid JSON, in a callback where nobody can catch the
 * error, and its memory grows with a line that does not end. Nothing that a job sends may stop the service.
 *
 * Invariants:
 * - Nothing that the child sends makes this function throw. Of an unfinished line only the beginning is kept.
 * - The channel stays open when the job is ready: `process.send()` would fail in the child once it is closed.
 */
export function readChannel(stream: Readable, onReady: () => void): void {
	let rest = "";
	stream.on("data", (bytes: Buffer) => {
		const lines = (rest + bytes.toString("latin1")).split("\n");
		// One character more than READY: then a longer line differs from it.
		rest = (lines.pop() ?? "").slice(0, READY.length + 1);
		if (lines.includes(READY)) onReady();
	});
	// A channel that breaks counts as closed.
	stream.on("error", () => {});
}

const SHEBANG_LENGTH = 256;

/**
 * Whether the command runs Node.js: by its name, by the first line of its script, or by a shell that becomes Node.js.
 * No other program gets the variables of the channel. It would hand them on to its children, and a Node.js among them
 * aborts, because the descriptor 3 of that child is no channel.
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
