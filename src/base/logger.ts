/** Log lines in the shape of pino's: JSON, one complete line each. */
import type { Logger } from "pino";
import { loadPackage } from "./packages.ts";

export type { Logger };

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ["json", "pretty"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogSettings {
	readonly level: LogLevel;
	readonly format: LogFormat;
	/** Whether lines for people have colours. */
	readonly hasColors: boolean;
	/** Whether standard output is a terminal. */
	readonly isTerminal: boolean;
}

/**
 * Makes a pino logger. Loads pino, which takes a third of what an idle thread needs, and many threads never log.
 *
 * @param bindings Fields of every line.
 * @param write Called once for each line, with its line break.
 * @param now Milliseconds since 1970. @default the clock
 */
export function createLogger(
	level: LogLevel,
	bindings: Record<string, unknown>,
	write: (line: string) => void,
	now = Date.now,
): Logger {
	const { pino } = loadPackage("pino");
	return pino(
		{
			level,
			// No pid and hostname: the container runtime adds what identifies the container.
			base: bindings,
			timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
			formatters: { level: (label) => ({ level: label }) },
		},
		{ write },
	);
}

/**
 * Makes the same line without pino, from fields that are plain data. For each line that a process prints, which is the
 * hot path, and for when pino cannot be loaded.
 *
 * @param at Milliseconds since 1970. @default now
 * @returns The line, with its line break.
 */
export function logLine(
	level: LogLevel,
	fields: Readonly<Record<string, unknown>>,
	msg: string,
	at = Date.now(),
): string {
	return `${JSON.stringify({ level, time: new Date(at).toISOString(), ...fields, msg })}\n`;
}

/** Whether a line of this level is written, if `least` is the lowest level to write. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
	return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
