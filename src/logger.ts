/** Log lines: JSON, one complete line each, in the shape of pino's. */
import type { Logger } from "pino";

export type { Logger };

export const LOG_LEVELS = [
	"trace",
	"debug",
	"info",
	"warn",
	"error",
	"fatal",
	"silent",
] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A pino logger whose lines go, one complete JSON line a call, to `write`.
 *
 * @param bindings Fields of every line.
 */
export function createLogger(
	level: LogLevel,
	bindings: Record<string, unknown>,
	write: (line: string) => void,
): Logger {
	// Not imported: pino takes a third of what an idle thread needs, and many never log by it.
	const { createRequire } = process.getBuiltinModule("node:module");
	const { pino, stdTimeFunctions } = createRequire(import.meta.url)(
		"pino",
	) as typeof import("pino");
	return pino(
		{
			level,
			// No pid and hostname: the container runtime adds what tells containers apart.
			base: bindings,
			timestamp: stdTimeFunctions.isoTime,
			formatters: { level: (label) => ({ level: label }) },
		},
		{ write },
	);
}

/**
 * The same line of fields that are plain data. The init logs by it: that is all it needs of pino.
 *
 * @returns With its line break.
 */
export function logLine(
	level: LogLevel,
	fields: Readonly<Record<string, unknown>>,
	msg: string,
): string {
	const time = new Date().toISOString();
	return `${JSON.stringify({ level, time, ...fields, msg })}\n`;
}

/** Whether lines of a level are written where the least level to write is `least`. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
	return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
