/**
 * The channel between the init and the process of a job function: a socket, which is the process's descriptor 3.
 *
 * The init sends the length of the {@link Assignment}, then the assignment, and nothing else. The process sends lines
 * of JSON: an object is a record of the job's log, a list is a message. The process writes with write(2), so it waits
 * while the init does not read (back-pressure), as on any full pipe.
 */
import { readSync, writeSync } from "node:fs";
import { extname } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { attempt } from "../base/errors.ts";
import type { LogLevel } from "../base/logger.ts";
import type { FunctionSettings } from "../config/schema.ts";
import { checkExit, type JobExit, type JobHooks } from "./job.ts";
import { LineLog } from "./line-log.ts";

/** What the process has to run. `file`: the absolute path of the job's file. */
export interface Assignment {
	readonly name: string;
	readonly file: string;
	readonly data: unknown;
	readonly logLevel: LogLevel;
	readonly stopSignal: NodeJS.Signals;
	/** Whether the process answers when the init asks for a sign of life. */
	readonly answers: boolean;
}

export type ProcessMessage = readonly ["ready"] | readonly ["settled", JobExit];

const CHANNEL_FD = 3;
const LENGTH_BYTES = 4;
/** Characters of the longest record. */
const RECORD_LENGTH = 1024 * 1024;

/** The init's end: reads lines within the bounds of {@link LineLog}. Nothing that the process sends makes it throw. */
export class ProcessChannel extends LineLog {
	#reported: JobExit | undefined;
	readonly #onReady: () => void;

	/** @param assignment As {@link encodeAssignment} returns it. */
	constructor(stream: Duplex, assignment: Buffer, hooks: Pick<JobHooks, "onOutput" | "onReady">) {
		super(
			stream,
			"stdout",
			{ stream: "log", lineLength: RECORD_LENGTH, record: (line, _, part) => this.#recordOf(line, part === "whole") },
			hooks,
		);
		this.#onReady = hooks.onReady;
		stream.write(assignment);
	}

	/** Returns the record of a line. An empty text: the line is no record. */
	#recordOf(line: string, isWhole: boolean): string {
		// A process that is killed in the middle of a line leaves only the beginning of the line.
		const value: unknown = isWhole ? attempt(() => JSON.parse(line)) : undefined;
		if (Array.isArray(value)) attempt(() => this.#receive(value as unknown as ProcessMessage));
		else if (typeof value === "object" && value !== null) return `${line}\n`;
		else this.lose(line.length);
		return "";
	}

	#receive([type, exit]: ProcessMessage): void {
		// Later, in a microtask: the records that were read before this message are handed on first.
		if (type === "ready") queueMicrotask(() => attempt(this.#onReady));
		else if (type === "settled") this.#reported = checkExit(exit) ?? this.#reported;
	}

	/** Adds what the process itself has reported, if it fits the exit code: 0, or 1 if the function has failed. */
	describe(exit: JobExit): JobExit {
		const reported = this.#reported;
		if (!reported || reported.outcome === "exited" || exit.outcome !== "exited" || exit.expected) return exit;
		return exit.code === (reported.outcome === "finished" ? 0 : 1) ? reported : exit;
	}
}

// The entry is beside this file in the sources, and beside each bundle in the package.
const ENTRY = new URL(`./process-entry${extname(import.meta.url) === ".ts" ? ".ts" : ".cjs"}`, import.meta.url);

/** The command of a job function's process. The last argument is only for people who list processes. */
export function functionCommand({ process: file, resourceLimits = {} }: FunctionSettings): string[] {
	const { maxOldGenerationSizeMb: old, maxYoungGenerationSizeMb: young } = resourceLimits;
	const limits = [
		...(old === undefined ? [] : [`--max-old-space-size=${Math.ceil(old)}`]),
		// V8's young generation has three semi-spaces.
		...(young === undefined ? [] : [`--max-semi-space-size=${Math.ceil(young / 3)}`]),
	];
	return [process.execPath, ...limits, fileURLToPath(ENTRY), file];
}

/** Throws if the data cannot be copied. */
export function encodeAssignment(assignment: Assignment): Buffer {
	const bytes = serialize(assignment);
	const length = Buffer.alloc(LENGTH_BYTES);
	length.writeUInt32LE(bytes.length);
	return Buffer.concat([length, bytes]);
}

/** The process's end: waits for the assignment. `undefined` if the init has gone. */
export function receiveAssignment(): Assignment | undefined {
	const length = receive(LENGTH_BYTES)?.readUInt32LE();
	const bytes = length === undefined ? undefined : receive(length);
	return bytes && deserialize(bytes);
}

function receive(length: number): Buffer | undefined {
	const bytes = Buffer.alloc(length);
	for (let received = 0; received < length; ) {
		const more = readSync(CHANNEL_FD, bytes, received, length - received, null);
		if (more === 0) return undefined;
		received += more;
	}
	return bytes;
}

/** Sends a record of the log, with its line break. */
export function sendRecord(line: string): void {
	const bytes = Buffer.from(line);
	// The job may have closed the descriptor.
	attempt(() => {
		for (let sent = 0; sent < bytes.length; ) sent += writeSync(CHANNEL_FD, bytes, sent);
	});
}

export function sendMessage(message: ProcessMessage): void {
	sendRecord(`${JSON.stringify(message)}\n`);
}
