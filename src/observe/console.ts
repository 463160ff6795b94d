/** Standard output and error as the init and its threads use them: log lines on standard output, what threads print untouched. */
import { monotonicMs } from "../clock.ts";
import type { LogSettings } from "../config/log-settings.ts";
import { attempt } from "../errors.ts";
import type { Stream } from "../job/job.ts";
import { isLogged, type LogLevel } from "../logger.ts";
import { Output } from "../os/output.ts";
import { InitLog } from "./init-log.ts";
import { createPrettifier } from "./pretty.ts";

export interface Console {
	/**
	 * The init's own log: fields that are plain data, and the message.
	 *
	 * @param isLast It is not dropped, however much waits before it.
	 */
	log(
		level: LogLevel,
		fields: Record<string, unknown>,
		message: string,
		isLast?: boolean,
	): void;
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
export function openConsole(
	settings: LogSettings,
	isTerminal: boolean,
	onDropped: (bytes: number) => void,
): Console {
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
	const log = new InitLog((line, isLast) =>
		stdout.write(Buffer.from(render(line)), isLast ? () => {} : undefined),
	);
	return {
		log(level, fields, message, isLast = false) {
			if (isLogged(level, settings.level))
				log.add({ at: Date.now(), level, fields, message, isLast });
		},
		start() {
			if (isPretty) render = prettifier(isTerminal);
			log.start();
		},
		print: (lines) =>
			stdout.write(Buffer.from(lines.map((line) => `${line}\n`).join(""))),
		write(stream, bytes, done) {
			const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
			if (stream === "stderr") stderr.write(buffer, done);
			else if (stream === "stdout") stdout.write(buffer, done);
			else if (isPretty) stdout.write(renderLines(buffer.toString()), done);
			else stdout.write(buffer, done);
		},
		async flush(stallMs, maxMs) {
			const end = monotonicMs() + maxMs;
			const left = await Promise.all(
				[stdout, stderr].map((output) => drain(output, stallMs, end)),
			);
			return left.every((bytes) => bytes === 0);
		},
	};
}

/** As long as the reader reads it is waited for; one that does not is not worth the time. */
async function drain(
	output: Output,
	stallMs: number,
	end: number,
): Promise<number> {
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
