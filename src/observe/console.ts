/** Standard output and error as the init and its threads use them: log lines on standard output, what threads print untouched. */

import { attempt } from "../base/errors.ts";
import { createLogger, isLogged, type Logger, type LogLevel, type LogSettings, logLine } from "../base/logger.ts";
import { loadPackage } from "../base/packages.ts";
import { monotonicMs } from "../base/time.ts";
import type { Stream } from "../job/job.ts";
import { Output } from "../os/output/output.ts";

export interface Console {
	/**
	 * The init's own log: fields that are plain data, and the message.
	 *
	 * @param isLast It is not dropped, however much waits before it.
	 */
	log(level: LogLevel, fields: Record<string, unknown>, message: string, isLast?: boolean): void;
	/** Loads what writes the log. Until then its lines wait, and are the first to be written. */
	start(): void;
	/** Lines for people, as they are. */
	print(lines: readonly string[]): void;
	/** Passes on what a thread has sent. `done` is called once it has left. */
	write(stream: Stream, bytes: Uint8Array, done: () => void): void;
	/**
	 * Waits until everything has left.
	 *
	 * @param stallMs Ends the wait when the reader has taken nothing for so long.
	 * @param maxMs Ends it in any case.
	 * @returns Whether it has.
	 */
	flush(stallMs: number, maxMs: number): Promise<boolean>;
}

/** @param onDropped Told how many bytes of the init's own found no reader, once there is one again. */
export function openConsole(settings: LogSettings, onDropped: (bytes: number) => void): Console {
	const stdout = new Output(1, onDropped);
	const stderr = new Output(2, onDropped);
	const isPretty = settings.format === "pretty";
	let render = (line: string) => line;
	const renderLines = (text: string) =>
		Buffer.from(
			text
				.split(/(?<=\n)/)
				.map(render)
				.join(""),
		);
	const log = new InitLog((line, isLast) => stdout.write(Buffer.from(render(line)), isLast ? () => {} : undefined));
	return {
		log(level, fields, message, isLast = false) {
			if (isLogged(level, settings.level)) log.add({ at: Date.now(), level, fields, message, isLast });
		},
		start() {
			if (isPretty) render = prettifier(settings.isTerminal);
			log.start();
		},
		print: (lines) => stdout.write(Buffer.from(lines.map((line) => `${line}\n`).join(""))),
		write(stream, bytes, done) {
			const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
			if (stream === "stderr") stderr.write(buffer, done);
			else if (stream === "stdout") stdout.write(buffer, done);
			else if (isPretty) stdout.write(renderLines(buffer.toString()), done);
			else stdout.write(buffer, done);
		},
		async flush(stallMs, maxMs) {
			const end = monotonicMs() + maxMs;
			const left = await Promise.all([stdout, stderr].map((output) => drain(output, stallMs, end)));
			return left.every((bytes) => bytes === 0);
		},
	};
}

/** As long as the reader reads it is waited for; one that does not is not worth the time. */
async function drain(output: Output, stallMs: number, end: number): Promise<number> {
	let before = Number.POSITIVE_INFINITY;
	for (;;) {
		const ms = Math.min(stallMs, end - monotonicMs());
		const left = await output.flush(Math.max(0, ms));
		if (left === 0 || left >= before || monotonicMs() >= end) return left;
		before = left;
	}
}

/** Fields of a job's own may be anything, and the line is wanted all the same. */
function prettifier(isTerminal: boolean): (line: string) => string {
	const prettify = attempt(() => createPrettifier(isTerminal));
	return (line) => attempt(() => prettify?.(line)) ?? line;
}

// ==== from pretty.ts

interface Line {
	readonly event?: string;
	readonly job?: string;
	readonly msg?: string;
	readonly exit?: { readonly error?: { readonly stack?: string } };
}

/** Makes a JSON log line readable for people. What is not one passes as it is. */
export function createPrettifier(colorize: boolean): (line: string) => string {
	const { prettyFactory } = loadPackage("pino-pretty");
	return prettyFactory({
		colorize,
		// The message says it all; the fields are for machines.
		hideObject: true,
		messageFormat: (line) => format(line as Line),
		translateTime: "SYS:HH:MM:ss.l",
	});
}

function format({ event, job, msg = "", exit }: Line): string {
	// Events name their job in the message; what a job logs itself does not.
	const origin = event === undefined && job !== undefined ? `[${job}] ` : "";
	const stack = exit?.error?.stack;
	return `${origin}${msg}${stack ? `\n${stack}` : ""}`;
}

// ==== from init-log.ts

/**
 * The init's own log, written by pino.
 *
 * Pino is loaded when the first jobs have been started, and boot. What has happened until then waits, with the time at which it
 * happened. Where pino cannot be loaded (no descriptor is left, the file is not there) the lines are written without it.
 */

interface Entry {
	/** Milliseconds since 1970. */
	readonly at: number;
	readonly level: LogLevel;
	readonly fields: Record<string, unknown>;
	readonly message: string;
	readonly isLast: boolean;
}

export class InitLog {
	readonly #write: (line: string, isLast: boolean) => void;
	/** Undefined once it has been started. */
	#waiting: Entry[] | undefined = [];
	#logger: Logger | undefined;
	/** It is being written. */
	#entry: Entry | undefined;

	constructor(write: (line: string, isLast: boolean) => void) {
		this.#write = write;
	}

	add(entry: Entry): void {
		if (this.#waiting) this.#waiting.push(entry);
		else this.#log(entry);
	}

	start(): void {
		const waiting = this.#waiting ?? [];
		this.#waiting = undefined;
		// Levels are the console's matter: every entry is written.
		this.#logger = attempt(() =>
			createLogger(
				"trace",
				{},
				(line) => this.#write(line, this.#entry?.isLast ?? false),
				() => this.#entry?.at ?? Date.now(),
			),
		);
		for (const entry of waiting) this.#log(entry);
	}

	#log(entry: Entry): void {
		const { at, level, fields, message, isLast } = entry;
		if (level === "silent") return;
		this.#entry = entry;
		if (this.#logger) this.#logger[level](fields, message);
		else this.#write(logLine(level, fields, message, at), isLast);
	}
}
