/**
 * The init's own log, written by pino.
 *
 * Pino is loaded when the first jobs have been started, and boot. What has happened until then waits, with the time at which it
 * happened. Where pino cannot be loaded (no descriptor is left, the file is not there) the lines are written without it.
 */
import { attempt } from "../errors.ts";
import {
	createLogger,
	type Logger,
	type LogLevel,
	logLine,
} from "../logger.ts";

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
