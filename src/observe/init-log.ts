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
	readonly at: number;
	readonly level: LogLevel;
	readonly fields: Record<string, unknown>;
	readonly message: string;
}

export class InitLog {
	readonly #write: (line: string) => void;
	/** Undefined once it has been started. */
	#waiting: Entry[] | undefined = [];
	#logger: Logger | undefined;
	/** Of the entry that is being written. */
	#at = 0;

	constructor(write: (line: string) => void) {
		this.#write = write;
	}

	add(level: LogLevel, fields: Entry["fields"], message: string): void {
		const entry = { at: Date.now(), level, fields, message };
		if (this.#waiting) this.#waiting.push(entry);
		else this.#log(entry);
	}

	start(): void {
		const waiting = this.#waiting ?? [];
		this.#waiting = undefined;
		// Levels are the console's matter: every entry is written.
		this.#logger = attempt(() =>
			createLogger("trace", {}, this.#write, () => this.#at),
		);
		for (const entry of waiting) this.#log(entry);
	}

	#log({ at, level, fields, message }: Entry): void {
		this.#at = at;
		if (level === "silent") return;
		if (this.#logger) this.#logger[level](fields, message);
		else this.#write(logLine(level, fields, message, at));
	}
}
