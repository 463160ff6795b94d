/** The client of this container's init: `lastcall status`, `stop`, `start`, `restart` and `signal`, over its socket. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt, errorInfo, plain, show } from "../base/errors.ts";
import { formatDuration, MAX_DURATION_MS } from "../base/time.ts";
import { socketsToAsk } from "../config/paths.ts";
import { describeExit } from "../job/job.ts";
import { describeReason, showDate } from "../observe/describe.ts";
import type { JobStatus, Status } from "../observe/status.ts";
import type { CommandResult, JobCommand } from "../supervisor/commands.ts";
import type { Command } from "./args.ts";

const CLEAR = "\x1b[H\x1b[J";
const WATCH_MS = 1_000;
const ANSWER_MS = 5_000;
/** Room for the status of thousands of jobs. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** No init has answered. For `lastcall status` this is a result, not a mistake of the user. */
class NoInitError extends Error {}

/** @returns The exit code. */
export async function runRemote(command: Extract<Command, { type: "status" | "control" }>): Promise<number> {
	const sockets = command.socket === undefined ? socketsToAsk(process.env) : [command.socket];
	// The callback of the write gets the error, too.
	process.stdout.on("error", () => {});
	try {
		if (command.type === "status") return await showStatus(sockets, command.json, command.watch);
		return await control(sockets, command.command);
	} catch (error) {
		// The reader has read what it wanted: `lastcall status | head -1`.
		if (errorInfo(error).code === "EPIPE") return 1;
		if (!(error instanceof NoInitError)) throw error;
		console.error(`lastcall: ${error.message}`);
		return 1;
	}
}

/**
 * Prints the present status, as a table or as JSON.
 *
 * @param watch Whether to print the status again each second, until interrupted.
 * @returns 0 if the program is ready, else 1: fit for a container's health check.
 */
async function showStatus(sockets: readonly string[], json: boolean, watch: boolean): Promise<number> {
	for (;;) {
		const answer = await ask(sockets, "GET", "/status", ANSWER_MS);
		const { ready, table } = readAnswer(answer, (status: Status) => ({
			ready: status.ready,
			table: renderStatus(status),
		}));
		const text = json ? `${answer.body}\n` : table;
		const canClear = process.stdout.isTTY && process.env.TERM !== "dumb";
		await print(watch && canClear && !json ? CLEAR + text : text);
		if (!watch) return ready ? 0 : 1;
		await sleep(WATCH_MS);
	}
}

/** Waits for the write: the end of the process would cut off what a pipe has not taken yet (it takes 64 KiB at once). */
function print(text: string): Promise<void> {
	return new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
}

function renderStatus({ version, pid, upMs, ready, stopReason, jobs }: Status): string {
	const state = stopReason ? `stopping: ${describeReason(stopReason)}` : ready ? "ready" : "not ready";
	const head = `lastcall ${version}, process ${pid}, up ${formatDuration(upMs)}, ${state}`;
	const titles = ["JOB", "STATE", "SINCE", "RUNS AS", "RESTARTS", "LAST EXIT"];
	const rows = [titles, ...jobs.map(rowOf)];
	// In most services no job has a schedule.
	if (jobs.some(({ nextRun }) => nextRun !== undefined)) {
		const dates = jobs.map(({ nextRun }) => (nextRun === undefined ? "-" : showDate(nextRun)));
		for (const [index, cell] of ["NEXT RUN", ...dates].entries()) rows[index]?.push(cell);
	}
	return `${[plain(head), "", ...alignColumns(rows)].join("\n")}\n`;
}

function rowOf({ name, state, alive, inStateMs, id, kind, restarts, lastExit }: JobStatus): string[] {
	return [
		name,
		alive === false ? `${state}, unresponsive` : state,
		formatDuration(inStateMs),
		id === undefined ? "-" : `${kind} ${id}`,
		String(restarts),
		// The message of an error is the job's own text.
		lastExit ? plain(describeExit(lastExit)) : "-",
	];
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

/** Asks the init for something, and prints what was done, or why not. */
async function control(sockets: readonly string[], command: JobCommand): Promise<number> {
	const query = new URLSearchParams();
	if (command.type === "signal") query.set("signal", command.signal);
	if ("wait" in command && command.wait === false) query.set("wait", "false");
	const of = command.job === undefined ? "" : `/jobs/${encodeURIComponent(command.job)}`;
	const path = `${of}/${command.type}?${query}`;
	// A stop takes as long as the job's stop timeout allows.
	const answer = await ask(sockets, "POST", path, MAX_DURATION_MS);
	const { done, text } = readAnswer(answer, ({ done, message }: CommandResult) => ({
		done: done === true,
		text: plain(message),
	}));
	if (done) console.log(text);
	else console.error(`lastcall: ${text}`);
	return done ? 0 : 1;
}

interface Answer {
	readonly status: number;
	readonly body: string;
}

/**
 * @param sockets Their paths, in the order in which to try them.
 * @throws {NoInitError} if there is no answer at any of them.
 */
async function ask(
	sockets: readonly string[],
	method: "GET" | "POST",
	path: string,
	timeoutMs: number,
): Promise<Answer> {
	const failures: string[] = [];
	for (const socketPath of sockets) {
		try {
			return await askAt(socketPath, method, path, timeoutMs);
		} catch (error) {
			const { code, message } = errorInfo(error);
			failures.push(`${socketPath} (${code ?? message})`);
		}
	}
	throw new NoInitError(
		`Cannot reach an init at ${failures.join(", ")}; expected one that runs as process 1 of this container, or its socket: --socket PATH. Elsewhere, also under docker run --init, run makes a socket only with XDG_RUNTIME_DIR or LASTCALL_SOCKET`,
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
		response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
	});
	outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)));
	outgoing.on("error", reject);
	outgoing.end();
	return promise;
}

/**
 * @param read Takes what is needed from the JSON. It may throw: at a path that somebody typed, any program may answer.
 * @throws {NoInitError} if the answer is not an init's.
 */
function readAnswer<Value, Result>({ status, body }: Answer, read: (value: Value) => Result): Result {
	const result = status === 200 || status === 409 ? attempt(() => read(JSON.parse(body))) : undefined;
	if (result !== undefined) return result;
	throw new NoInitError(
		`Cannot understand the answer: found status ${status} and ${show(body.trim())}, expected those of an init`,
	);
}
