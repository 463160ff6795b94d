/**
 * Standard output and standard error of the init: its own log, and the output of its jobs.
 *
 * pino makes the lines of the log. In the format `pretty`, pino-pretty renders them, and the log lines of the jobs, for
 * people. Both packages are loaded while the first jobs boot: until then the entries wait. Without the packages (no
 * file descriptor is left, a file is missing) the log is plain JSON.
 */
import { attempt } from "../base/errors.ts";
import { createLogger, isLogged, type Logger, type LogLevel, type LogSettings, logLine } from "../base/logger.ts";
import { loadPackage } from "../base/packages.ts";
import { monotonicMs } from "../base/time.ts";
import type { Stream } from "../job/job.ts";
import { Output } from "../os/output/output.ts";

export type Console = ReturnType<typeof openConsole>;

/** @param onDropped Called with the number of our own bytes that were dropped, as soon as there is a reader again. */
export function openConsole({ level: least, format, hasColors }: LogSettings, onDropped: (bytes: number) => void) {
	const stdout = new Output(1, onDropped);
	const stderr = new Output(2, onDropped);
	const isPretty = format === "pretty";
	let render = (line: string) => line;
	let logger: Logger | undefined;
	/** Entries that wait for start(). */
	let waiting: (() => void)[] | undefined = [];
	/** The entry that is being written. pino is synchronous: it has asked for the time and written when it returns. */
	let entry = { at: 0, isLast: false };

	// Output never drops a write that has a callback.
	const writeLine = (line: string) => stdout.write(Buffer.from(render(line)), entry.isLast ? () => {} : undefined);
	return {
		/** Logs plain data for the init itself. The last line is never dropped, however much output waits before it. */
		log(level: LogLevel, fields: Record<string, unknown>, message: string, isLast = false): void {
			if (!isLogged(level, least)) return;
			const at = Date.now();
			const write = () => {
				entry = { at, isLast };
				if (logger) logger[level](fields, message);
				else writeLine(logLine(level, fields, message, at));
			};
			if (waiting) waiting.push(write);
			else write();
		},
		/** Loads pino, and writes the entries that wait. */
		start(): void {
			if (isPretty) render = createPrettifier(hasColors);
			// "trace": log() has checked the level.
			logger = attempt(() => createLogger("trace", {}, writeLine, () => entry.at));
			const writes = waiting ?? [];
			waiting = undefined;
			for (const write of writes) write();
		},
		/** Prints lines for people, as they are. */
		print(lines: readonly string[]): void {
			stdout.write(Buffer.from(lines.map((line) => `${line}\n`).join("")));
		},
		/** Passes on the output of a job. Calls `done` when the bytes are written or dropped. */
		write(stream: Stream, bytes: Uint8Array, done: () => void): void {
			let buffer: Buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
			if (stream === "log" && isPretty) {
				const lines = buffer.toString().split(/(?<=\n)/);
				buffer = Buffer.from(lines.map(render).join(""));
			}
			(stream === "stderr" ? stderr : stdout).write(buffer, done);
		},
		/**
		 * Waits until all output is written, for at most `maxMs`, or until the reader has taken nothing for `stallMs`.
		 * Returns whether all is written.
		 */
		async flush(stallMs: number, maxMs: number): Promise<boolean> {
			const end = monotonicMs() + maxMs;
			const left = await Promise.all([stdout, stderr].map((output) => drain(output, stallMs, end)));
			return left.every((bytes) => bytes === 0);
		},
	};
}

async function drain(output: Output, stallMs: number, end: number): Promise<number> {
	let before = Number.POSITIVE_INFINITY;
	for (;;) {
		const ms = Math.min(stallMs, end - monotonicMs());
		const left = await output.flush(Math.max(0, ms));
		if (left === 0 || left >= before || monotonicMs() >= end) return left;
		before = left;
	}
}

/** What format() reads of a log line. */
type Line = Readonly<{ event?: string; job?: string; msg?: string; exit?: { error?: { stack?: string } } }>;

/** Renders JSON log lines for people. What pino-pretty cannot render stays as it is: a job may log any fields. */
function createPrettifier(colorize: boolean): (line: string) => string {
	const prettify = attempt(() =>
		loadPackage("pino-pretty").prettyFactory({
			colorize,
			// The fields are for machines: the message has the same.
			hideObject: true,
			messageFormat: (line) => format(line as Line),
			translateTime: "SYS:HH:MM:ss.l",
		}),
	);
	return (line) => attempt(() => prettify?.(line)) ?? line;
}

function format({ event, job, msg = "", exit }: Line): string {
	// The message of an event names the job. The message of a job's own log line does not.
	const origin = event === undefined && job !== undefined ? `[${job}] ` : "";
	const stack = exit?.error?.stack;
	return `${origin}${msg}${stack ? `\n${stack}` : ""}`;
}
