import { createRequire } from "node:module";
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

/** Loaded for the first logger: a thread that has none starts in half the time. */
function loadPino(): typeof import("pino") {
	return createRequire(import.meta.url)("pino") as typeof import("pino");
}

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
	const { pino, stdTimeFunctions } = loadPino();
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
