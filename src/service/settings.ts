/** Turns the command line, the environment and the configuration into the settings of a service. What comes after only reads them. */
import { show, UserError } from "../base/errors.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, type LogSettings } from "../base/logger.ts";
import type { LoadedConfig } from "../config/load.ts";
import { socketPaths, terminationMessagePath } from "../config/paths.ts";
import type { CheckedConfig } from "../config/schema.ts";
import { type Budget, checkBudget, planBudget, resolveStopTimeout, type StopTimeout } from "../config/stop-timeout.ts";
import { validateConfig } from "../config/validate.ts";

export interface Settings extends Pick<CheckedConfig, "jobs" | "stopSignals" | "http"> {
	/** The environment of the program; each job adds its own variables. */
	readonly env: NodeJS.ProcessEnv;
	readonly log: LogSettings;
	/** What the platform grants between its stop signal and its SIGKILL. */
	readonly stopTimeout: StopTimeout;
	readonly budget: Budget;
	/** Paths at which to try to listen, the best one first. */
	readonly socketPaths: readonly string[];
	readonly terminationMessage: string | undefined;
}

export interface Surroundings {
	readonly env: NodeJS.ProcessEnv;
	readonly isTerminal: boolean;
	/** Whether the service has the container to itself: then it has a socket and a termination message by default. */
	readonly isInit: boolean;
	/** Milliseconds, from the command line. */
	readonly stopTimeoutMs?: number | undefined;
	/** Milliseconds of the stop timeout that are the service's. @default all of it */
	readonly share?: (stopTimeoutMs: number) => number;
}

/** @throws {UserError} that names every mistake in the configuration, or the first one elsewhere. */
export function resolveSettings(
	loaded: LoadedConfig,
	{ env, isTerminal, isInit, stopTimeoutMs, share = (ms) => ms }: Surroundings,
): Settings {
	const config = validateConfig(loaded, env);
	const log = resolveLogSettings(env, { level: config.logLevel, format: config.logFormat }, isTerminal);
	const stopTimeout = resolveStopTimeout(stopTimeoutMs, env, config.stopTimeout);
	const budget = planBudget(share(stopTimeout.ms), config.drainDelay);
	checkBudget(budget);
	const { path } = loaded;
	const { terminationMessage } = config;
	return {
		jobs: config.jobs,
		stopSignals: config.stopSignals,
		http: config.http,
		env,
		log,
		stopTimeout,
		budget,
		socketPaths: socketPaths(env, config.socket, path, isInit),
		terminationMessage: terminationMessagePath(env, terminationMessage, path),
	};
}
/**
 * How to log: `LASTCALL_LOG_LEVEL` and `LASTCALL_LOG_FORMAT` override the configuration.
 *
 * @param isTerminal Whether standard output is a terminal: then the default format is `pretty`.
 * @throws {UserError} if a variable holds something else.
 */
export function resolveLogSettings(
	env: NodeJS.ProcessEnv,
	configured: { level: LogLevel; format: LogFormat | undefined },
	isTerminal: boolean,
): LogSettings {
	return {
		isTerminal,
		level: choose(env, "LASTCALL_LOG_LEVEL", LOG_LEVELS) ?? configured.level,
		format: choose(env, "LASTCALL_LOG_FORMAT", LOG_FORMATS) ?? configured.format ?? (isTerminal ? "pretty" : "json"),
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
	throw new UserError(`Cannot use ${variable}: found ${show(found)}, expected one of ${choices.join(", ")}`);
}
