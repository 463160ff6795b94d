import { type Logger, pino, stdTimeFunctions } from "pino";

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
