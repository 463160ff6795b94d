/** The commands that ask the init of this container for something, as its client. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt, errorInfo, plain, show } from "../base/errors.ts";
import { formatDuration, MAX_DURATION_MS } from "../base/time.ts";
import { defaultSocketPaths } from "../config/paths.ts";
import type { JobStatus, Status } from "../observe/status.ts";
import { exitInWords, reasonInWords } from "../observe/words.ts";
import type { CommandResult, JobCommand } from "../supervisor/commands.ts";
import type { Command } from "./args.ts";

export type RemoteCommand = Extract<Command, { type: "status" | "control" }>;

/** @returns The exit code. */
export async function runRemote(command: RemoteCommand): Promise<number> {
	const sockets = command.socket === undefined ? defaultSocketPaths(process.env) : [command.socket];
	// Told by the write as well.
	process.stdout.on("error", () => {});
	try {
		if (command.type === "status") return await showStatus({ ...command, sockets }, print, process.stdout.isTTY);
		const { done, message } = await control(command.command, sockets);
		if (done) console.log(message);
		else console.error(`lastcall: ${message}`);
		return done ? 0 : 1;
	} catch (error) {
		if (isReaderGone(error)) return 1;
		if (!(error instanceof NoInitError)) throw error;
		console.error(`lastcall: ${error.message}`);
		return 1;
	}
}

/** The end of the process would cut off what a pipe has not taken yet: 64 KiB, the status of a few hundred jobs. */
function print(text: string): Promise<void> {
	return new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
}

/** It has read what it wanted: `lastcall status | head -1`. */
function isReaderGone(error: unknown): boolean {
	return errorInfo(error).code === "EPIPE";
}

// ==== from job-command.ts

/** `lastcall stop|restart|signal JOB`: asks the init for something. */

/** @returns What was done, or why not. */
export async function control(command: JobCommand, sockets: readonly string[]): Promise<CommandResult> {
	const query = command.type === "signal" ? `?signal=${encodeURIComponent(command.signal)}` : "";
	const path = `/jobs/${encodeURIComponent(command.job)}/${command.type}${query}`;
	// A stop takes as long as the job's stop timeout allows.
	const answer = await ask(sockets, "POST", path, MAX_DURATION_MS);
	return readAnswer(answer, ({ done, message }: CommandResult) => ({
		done: done === true,
		message: plain(message),
	}));
}

// ==== from show-status.ts

/** `lastcall status`: what is true now, as a table or as JSON. */

export interface StatusOptions {
	readonly json: boolean;
	/** Again each second, until interrupted. */
	readonly watch: boolean;
	readonly sockets: readonly string[];
}

const CLEAR = "\x1b[H\x1b[J";
const WATCH_MS = 1_000;

/** @returns 0 if the program is ready, else 1: fit for a container's health check. */
export async function showStatus(
	{ json, watch, sockets }: StatusOptions,
	write: (text: string) => Promise<void>,
	isTerminal: boolean,
): Promise<number> {
	for (;;) {
		const answer = await ask(sockets, "GET", "/status");
		const { ready, table } = readAnswer(answer, (status: Status) => ({
			ready: status.ready,
			table: renderStatus(status),
		}));
		const text = json ? `${answer.body}\n` : table;
		await write(watch && isTerminal && !json ? CLEAR + text : text);
		if (!watch) return ready ? 0 : 1;
		await sleep(WATCH_MS);
	}
}

export function renderStatus(status: Status): string {
	const { version, pid, upMs, ready, stopReason } = status;
	const state = stopReason ? `stopping: ${reasonInWords(stopReason)}` : ready ? "ready" : "not ready";
	const head = `lastcall ${version}, process ${pid}, up ${formatDuration(upMs)}, ${state}`;
	const rows = status.jobs.map((job) => [
		job.name,
		job.state,
		formatDuration(job.inStateMs),
		job.id === undefined ? "-" : `${job.kind} ${job.id}`,
		String(job.restarts),
		lastExit(job),
	]);
	const titles = ["JOB", "STATE", "SINCE", "RUNS AS", "RESTARTS", "LAST EXIT"];
	return `${[plain(head), "", ...alignColumns([titles, ...rows])].join("\n")}\n`;
}

function lastExit({ lastExit }: JobStatus): string {
	// The message of an error is the job's own text.
	return lastExit ? plain(exitInWords(lastExit)) : "-";
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
	const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
	return rows.map((row) =>
		row
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join("  ")
			.trimEnd(),
	);
}

// ==== from client.ts

/** Talks to a running init through its socket. */

export interface Answer {
	readonly status: number;
	readonly body: string;
}

/** No init could be reached: the answer to the question, not a mistake of the user. */
export class NoInitError extends Error {}

const ANSWER_MS = 5_000;
/** Of thousands of jobs. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * @param paths The sockets to try, in this order.
 * @param timeoutMs For the answer. A stop lasts as long as the job takes. @default 5 s
 * @throws {NoInitError} if nobody answers at any of them.
 */
export async function ask(
	paths: readonly string[],
	method: "GET" | "POST",
	path: string,
	timeoutMs = ANSWER_MS,
): Promise<Answer> {
	const failures: string[] = [];
	for (const socketPath of paths) {
		try {
			return await askAt(socketPath, method, path, timeoutMs);
		} catch (error) {
			const { code, message } = errorInfo(error);
			failures.push(`${socketPath} (${code ?? message})`);
		}
	}
	throw new NoInitError(
		`Cannot reach an init at ${failures.join(", ")}; expected one that runs in this container, or its socket: --socket PATH`,
	);
}

/**
 * What an answer says.
 *
 * @param read Takes it from the answer's JSON; throws if it is not there, for at a path that somebody typed may be anybody.
 * @throws {NoInitError} if it is no answer of an init.
 */
export function readAnswer<Value, Result>({ status, body }: Answer, read: (value: Value) => Result): Result {
	if (status === 200 || status === 409) {
		const result = attempt(() => read(JSON.parse(body)));
		if (result !== undefined) return result;
	}
	throw new NoInitError(
		`Cannot understand the answer: found status ${status} and ${show(body.trim())}, expected those of an init`,
	);
}

function askAt(socketPath: string, method: string, path: string, timeoutMs: number): Promise<Answer> {
	const { promise, resolve, reject } = Promise.withResolvers<Answer>();
	const outgoing = request({ socketPath, method, path, agent: false }, (response) => {
		const chunks: Buffer[] = [];
		let bytes = 0;
		response.on("data", (chunk: Buffer) => {
			chunks.push(chunk);
			bytes += chunk.length;
			if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error("an answer without end"));
		});
		response.on("error", reject);
		response.on("end", () =>
			resolve({
				status: response.statusCode ?? 0,
				body: Buffer.concat(chunks).toString(),
			}),
		);
	});
	outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)));
	outgoing.on("error", reject);
	outgoing.end();
	return promise;
}
