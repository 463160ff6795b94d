/** `lastcall status`: what is true now, as a table or as JSON. */
import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../duration.ts";
import type { JobStatus, Status } from "../observe/state.ts";
import { exitInWords, reasonInWords } from "../observe/words.ts";
import { plain } from "../show.ts";
import { ask, readAnswer } from "./client.ts";

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
	const state = stopReason
		? `stopping: ${reasonInWords(stopReason)}`
		: ready
			? "ready"
			: "not ready";
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
	const widths = (rows[0] ?? []).map((_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	return rows.map((row) =>
		row
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join("  ")
			.trimEnd(),
	);
}
