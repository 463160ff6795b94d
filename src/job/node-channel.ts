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
import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Readable } from "node:stream";
import { attempt } from "../errors.ts";

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
	if (
		option === "-c" &&
		/\bexec ['"]?(\S*\/)?node(js)?(?=[\s'"]|$)/.test(script)
	)
		return true;
	const folders = program.includes("/") ? [""] : (path ?? "").split(":");
	for (const folder of folders) {
		const file = attempt(() => realpathSync(resolve(cwd, folder, program)));
		if (file !== undefined)
			return /^node(js)?$/.test(basename(file)) || isNodeScript(file);
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
