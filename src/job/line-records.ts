/**
 * The output of a job, line by line: bytes → lines → the text that is printed for each line.
 *
 * In the format `json` a line becomes a log record. A line that is a JSON object stays as it is, with `job` added: its
 * numbers, spaces and order of keys do not change. No output of a job can pass for the init's own log: the object's
 * keys `job` and `event` are renamed.
 *
 * Invariants:
 * - Each line of output is one line for the reader, and valid JSON in the format `json`.
 * - A line longer than LINE_LENGTH becomes several records. All but the last have `partial`. Bytes that are not UTF-8
 *   become U+FFFD. No character is cut in two. The memory for an unfinished line is bounded.
 */
import { StringDecoder } from "node:string_decoder";
import { attempt } from "../base/errors.ts";
import { type LogSettings, logLine } from "../base/logger.ts";
import type { Stream } from "./job.ts";

/** PIPE_BUF: the kernel never interleaves a chunk up to this length with another writer's to the same pipe. */
const BATCH_LENGTH = 4096;
/** Characters. */
const LINE_LENGTH = 8 * 1024;
/** An object with more levels stays text: JSON parsers have limits (jq 1.6: 256 levels). */
const MAX_DEPTH = 200;
/** Terminal colours that are readable on black and on white. Red is not among them: it is for errors. */
const COLOURS = [36, 33, 32, 35, 34];

/** A whole line, or a part of a line that is too long. */
type Part = "whole" | "part" | "last part";

export interface LineFormat {
	/** Where the records go. */
	readonly stream: Stream;
	/** Characters of the longest line. @default LINE_LENGTH */
	readonly lineLength?: number;
	/** Returns the text to print for a line, with its line break. An empty text prints nothing. */
	record(line: string, from: "stdout" | "stderr", part: Part): string;
}

/**
 * How the lines of each job are printed: as log records, or on a terminal with the name of the job in front.
 *
 * @param names All jobs, in their order.
 */
export function lineFormats(log: LogSettings, names: readonly string[]): (job: string) => LineFormat {
	const width = Math.max(...names.map((name) => name.length));
	return (job) => {
		if (log.format === "pretty" && log.isTerminal) {
			const colour = COLOURS[names.indexOf(job) % COLOURS.length];
			const prefix = log.hasColors ? `\x1b[${colour}m${job.padEnd(width)} |\x1b[0m ` : `${job.padEnd(width)} | `;
			return { stream: "stdout", record: (line) => `${prefix}${line}\n` };
		}
		const keepsObjects = log.format === "json";
		const record: LineFormat["record"] = (line, stream, part) => {
			const object = keepsObjects && part === "whole" ? addJob(line, job) : undefined;
			if (object !== undefined) return `${object}\n`;
			// Always "info": any other level would be a guess, for many programs log everything on stderr.
			return logLine("info", { job, stream, ...(part === "part" && { partial: true }) }, line);
		};
		return { stream: "log", record };
	};
}

/** Adds `job` to a JSON object, as its first key. `undefined` if the line is no JSON object. */
export function addJob(line: string, job: string): string | undefined {
	// A quick test: most lines are not parsed at all.
	if (!/^[ \t\r]*\{.*\}[ \t\r]*$/s.test(line)) return undefined;
	const object = attempt((): object => JSON.parse(line));
	if (object === undefined || isDeep(line)) return undefined;
	// Valid JSON has these two characters only between tokens. For some readers a carriage return ends a line.
	const text = renameKeys(line.replaceAll(/[\t\r]/g, " ").trim(), object);
	return `{"job":${JSON.stringify(job)}${Object.keys(object).length > 0 ? "," : ""}${text.slice(1)}`;
}

/** The structural tokens of valid JSON, and its strings. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

function isDeep(json: string): boolean {
	if ((json.match(/[{[]/g) ?? []).length <= MAX_DEPTH) return false;
	let depth = 0;
	for (const [token] of json.matchAll(TOKEN)) {
		if (token === "{" || token === "[") depth++;
		if (token === "}" || token === "]") depth--;
		if (depth > MAX_DEPTH) return true;
	}
	return false;
}

/**
 * Renames the keys `job` and `event` of the object to `job_` and `event_`. A duplicate key would be ambiguous: some
 * readers take the first one, some the last one, and some refuse the record.
 */
function renameKeys(json: string, object: object): string {
	const names = new Map<string, string>();
	for (const key of ["job", "event"]) {
		let name = key;
		while (Object.hasOwn(object, name)) name += "_";
		if (name !== key) names.set(key, name);
	}
	if (names.size === 0) return json;
	let depth = 0;
	let renamed = "";
	let end = 0;
	let last: RegExpExecArray | undefined;
	for (const token of json.matchAll(TOKEN)) {
		const [text] = token;
		if (text === "{" || text === "[") depth++;
		else if (text === "}" || text === "]") depth--;
		else if (text === ":" && depth === 1 && last) {
			// A key may be written with escapes: "\u006aob".
			const name = names.get(JSON.parse(last[0]));
			if (name !== undefined) {
				renamed += `${json.slice(end, last.index)}"${name}"`;
				end = last.index + last[0].length;
			}
		}
		last = token;
	}
	return renamed + json.slice(end);
}

/** Makes records of the bytes of one stream. */
export class LineRecords {
	/** Bytes of lines that were dropped because their beginning or end was lost. */
	dropped = 0;
	readonly #format: LineFormat;
	readonly #from: "stdout" | "stderr";
	readonly #decoder = new StringDecoder("utf8");
	/** The beginning of an unfinished line, without the parts that were handed on. */
	#rest = "";
	#inParts = false;
	/** Whether a part of the current line was lost. */
	#isTorn = false;
	#batches: Buffer[] = [];
	#batch = "";
	/** The length of `#batch` in bytes. */
	#batchLength = 0;

	constructor(format: LineFormat, from: "stdout" | "stderr") {
		this.#format = format;
		this.#from = from;
	}

	get stream(): Stream {
		return this.#format.stream;
	}

	/** Notes that bytes were lost here. The rest of their lines is dropped, too. */
	tear(): void {
		this.#isTorn = true;
	}

	/** Returns the records of all lines that end in these bytes. A chunk has many lines, since each chunk has a cost. */
	write(bytes: Buffer): Buffer[] {
		const lines = (this.#rest + this.#decoder.write(bytes)).split("\n");
		if (this.#isTorn) {
			this.dropped += lines.shift()?.length ?? 0;
			this.#inParts = false;
		}
		this.#isTorn = lines.length === 0;
		this.#rest = lines.pop() ?? "";
		for (const line of lines) this.#end(line);
		this.#rest = this.#cut(this.#rest);
		return this.#taken();
	}

	/** Returns the records of a last line without a line feed. */
	end(): Buffer[] {
		const rest = this.#rest + this.#decoder.end();
		this.#rest = "";
		if (rest !== "") this.#end(rest);
		return this.#taken();
	}

	#end(line: string): void {
		const rest = this.#cut(line.endsWith("\r") ? line.slice(0, -1) : line);
		this.#add(rest, this.#inParts ? "last part" : "whole");
		this.#inParts = false;
	}

	/** Adds the parts of a line that is too long, except for the last part. Returns the last part. */
	#cut(line: string): string {
		const max = this.#format.lineLength ?? LINE_LENGTH;
		let rest = line;
		while (rest.length > max) {
			// Never cut between the two surrogates of a character beyond U+FFFF.
			const last = rest.charCodeAt(max - 1);
			const length = last >= 0xd800 && last < 0xdc00 ? max - 1 : max;
			this.#add(rest.slice(0, length), "part");
			this.#inParts = true;
			rest = rest.slice(length);
		}
		return rest;
	}

	#add(line: string, part: Part): void {
		const text = this.#format.record(line, this.#from, part);
		const length = Buffer.byteLength(text);
		if (this.#batchLength + length > BATCH_LENGTH) this.#close();
		this.#batch += text;
		this.#batchLength += length;
	}

	#close(): void {
		if (this.#batch !== "") this.#batches.push(Buffer.from(this.#batch));
		this.#batch = "";
		this.#batchLength = 0;
	}

	#taken(): Buffer[] {
		this.#close();
		const batches = this.#batches;
		this.#batches = [];
		return batches;
	}
}
