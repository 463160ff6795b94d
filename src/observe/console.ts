/** Standard output and error as the init and its threads use them: log lines on standard output, what threads print untouched. */
import type { LogSettings } from "../config/log-settings.ts";
import type { Stream } from "../job/thread-channel.ts";
import { createLogger, type Logger } from "../logger.ts";
import { Output } from "../os/output.ts";

export interface Console {
	/** The init's own log. */
	readonly log: Logger;
	/** Passes on what a thread has sent. `done` is called once it has left. */
	write(stream: Stream, bytes: Uint8Array, done: () => void): void;
	/** Waits until everything has left, `ms` at the most. Returns whether it has. */
	flush(ms: number): Promise<boolean>;
}

/** @param onDropped Told how many bytes of the init's own found no reader, once there is one again. */
export async function openConsole(
	settings: LogSettings,
	isTerminal: boolean,
	onDropped: (bytes: number) => void,
): Promise<Console> {
	const stdout = new Output(1, onDropped);
	const stderr = new Output(2, onDropped);
	const render = await renderer(settings, isTerminal);
	return {
		log: createLogger(settings.level, {}, (line) =>
			stdout.write(Buffer.from(render(line))),
		),
		write(stream, bytes, done) {
			const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
			if (stream === "stderr") stderr.write(buffer, done);
			else if (stream === "stdout") stdout.write(buffer, done);
			else stdout.write(Buffer.from(render(buffer.toString())), done);
		},
		async flush(ms) {
			const left = await Promise.all([stdout.flush(ms), stderr.flush(ms)]);
			return left.every((bytes) => bytes === 0);
		},
	};
}

async function renderer(
	{ format }: LogSettings,
	isTerminal: boolean,
): Promise<(line: string) => string> {
	if (format === "json") return (line) => line;
	const { createPrettifier } = await import("./pretty.ts");
	return createPrettifier(isTerminal);
}
