/** Log lines: JSON, one complete line each, in the shape of pino's. */
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
	/** Whether standard output is a terminal. */
	readonly isTerminal: boolean;
}

/**
 * A pino logger whose lines go, one complete JSON line a call, to `write`. Loads pino: a third of what an idle thread needs,
 * and many never log by it.
 *
 * @param bindings Fields of every line.
 * @param now Milliseconds since 1970. @default the clock
 */
export function createLogger(
	level: LogLevel,
	bindings: Record<string, unknown>,
	write: (line: string) => void,
	now: () => number = Date.now,
): Logger {
	const { pino } = loadPackage("pino");
	return pino(
		{
			level,
			// No pid and hostname: the container runtime adds what tells containers apart.
			base: bindings,
			timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
			formatters: { level: (label) => ({ level: label }) },
		},
		{ write },
	);
}

/**
 * The same line without pino, of fields that are plain data: for each line that a process prints, which is the hot path, and
 * where pino cannot be loaded.
 *
 * @param at Milliseconds since 1970. @default now
 * @returns With its line break.
 */
export function logLine(
	level: LogLevel,
	fields: Readonly<Record<string, unknown>>,
	msg: string,
	at = Date.now(),
): string {
	const time = new Date(at).toISOString();
	return `${JSON.stringify({ level, time, ...fields, msg })}\n`;
}

/** Whether lines of a level are written where the least level to write is `least`. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
	return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
