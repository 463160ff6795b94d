/** Resolves the settings of a service from the command line, the environment and the configuration. */
import { WriteStream } from "node:tty";
import { show, UserError } from "../base/errors.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, type LogSettings } from "../base/logger.ts";
import type { LoadedConfig } from "../config/load.ts";
import { socketPaths, terminationMessagePath } from "../config/paths.ts";
import type { CheckedConfig } from "../config/schema.ts";
import { type Budget, checkBudget, planBudget, resolveStopTimeout, type StopTimeout } from "../config/stop-timeout.ts";
import { validateConfig } from "../config/validate.ts";

export interface Settings extends Pick<CheckedConfig, "jobs" | "output" | "stopSignals" | "http"> {
	/** The environment of the program. Each job adds its own variables. */
	readonly env: NodeJS.ProcessEnv;
	readonly log: LogSettings;
	readonly stopTimeout: StopTimeout;
	readonly budget: Budget;
	/** Paths at which to try to listen, the best one first. */
	readonly socketPaths: readonly string[];
	/** Path of the platform's termination message. */
	readonly terminationMessage: string | undefined;
}

export interface Surroundings {
	readonly env: NodeJS.ProcessEnv;
	/** Whether standard output is a terminal. */
	readonly isTerminal: boolean;
	/** Whether the service is the init of a container: only then does it have a socket by default. */
	readonly isInit: boolean;
	/** Milliseconds, from the command line. */
	readonly stopTimeoutMs?: number | undefined;
}

/** @throws {UserError} that names every mistake in the configuration, or the first mistake elsewhere. */
export function resolveSettings(
	loaded: LoadedConfig,
	{ env, isTerminal, isInit, stopTimeoutMs }: Surroundings,
): Settings {
	const config = validateConfig(loaded, env);
	const { jobs, output, stopSignals, http } = config;
	const log = resolveLogSettings(env, { level: config.logLevel, format: config.logFormat }, isTerminal);
	const stopTimeout = resolveStopTimeout(stopTimeoutMs, env, config.stopTimeout);
	const budget = planBudget(stopTimeout.ms, config.drainDelay);
	checkBudget(budget);
	const sockets = socketPaths(env, config.socket, loaded.path, isInit);
	const terminationMessage = terminationMessagePath(env, config.terminationMessage, loaded.path);
	const paths = { socketPaths: sockets, terminationMessage };
	return { jobs, output, stopSignals, http, env, log, stopTimeout, budget, ...paths };
}

/**
 * Resolves how to log: `LASTCALL_LOG_LEVEL` and `LASTCALL_LOG_FORMAT` override the configuration.
 *
 * @param isTerminal Whether standard output is a terminal: then the default format is `pretty`, else `json`.
 * @throws {UserError} if a variable has an unknown value.
 */
export function resolveLogSettings(
	env: NodeJS.ProcessEnv,
	configured: { level: LogLevel; format: LogFormat | undefined },
	isTerminal: boolean,
): LogSettings {
	const level = choose(env, "LASTCALL_LOG_LEVEL", LOG_LEVELS) ?? configured.level;
	const format = choose(env, "LASTCALL_LOG_FORMAT", LOG_FORMATS) ?? configured.format;
	return {
		isTerminal,
		hasColors: hasColors(env, isTerminal),
		level,
		format: format ?? (isTerminal ? "pretty" : "json"),
	};
}

/** As Node.js decides: NO_COLOR and TERM=dumb turn colours off, FORCE_COLOR turns them on, also without a terminal. */
function hasColors(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
	// Of two variables that contradict each other Node.js would warn.
	const wanted = env.FORCE_COLOR ? { ...env, NO_COLOR: undefined, NODE_DISABLE_COLORS: undefined } : env;
	return (isTerminal || wanted !== env) && WriteStream.prototype.getColorDepth(wanted) > 1;
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
