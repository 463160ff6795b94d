import { UserError } from "../errors.ts";
import { LOG_LEVELS, type LogLevel } from "../logger.ts";
import { show } from "../show.ts";

export const LOG_FORMATS = ["json", "pretty"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogSettings {
	readonly level: LogLevel;
	readonly format: LogFormat;
}

/**
 * How to log: `LASTCALL_LOG_LEVEL` and `LASTCALL_LOG_FORMAT` go before the configuration.
 *
 * @param isTerminal Whether standard output is one: then the default format is for people.
 * @throws {UserError} if a variable holds something else.
 */
export function resolveLogSettings(
	env: NodeJS.ProcessEnv,
	configured: { level: LogLevel; format: LogFormat | undefined },
	isTerminal: boolean,
): LogSettings {
	return {
		level: choose(env, "LASTCALL_LOG_LEVEL", LOG_LEVELS) ?? configured.level,
		format:
			choose(env, "LASTCALL_LOG_FORMAT", LOG_FORMATS) ??
			configured.format ??
			(isTerminal ? "pretty" : "json"),
	};
}

function choose<Choice extends string>(
	env: NodeJS.ProcessEnv,
	variable: string,
	choices: readonly Choice[],
): Choice | undefined {
	const found = env[variable];
	if (found === undefined || found === "") return undefined;
	const choice = choices.find((candidate) => candidate === found);
	if (choice) return choice;
	throw new UserError(
		`Cannot use ${variable}: found ${show(found)}, expected one of ${choices.join(", ")}`,
	);
}
