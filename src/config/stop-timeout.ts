import { readDuration } from "../duration.ts";
import { platformTimeout } from "./platform.ts";

export interface StopTimeout {
	readonly ms: number;
	/** Where it comes from, in words. */
	readonly source: string;
}

/**
 * The program's stop timeout: the command line goes before `LASTCALL_STOP_TIMEOUT`, that before the configuration, that
 * before what the platform grants by default.
 *
 * @throws {UserError} if the variable holds no duration.
 */
export function resolveStopTimeout(
	argument: number | undefined,
	env: NodeJS.ProcessEnv,
	configured: number | undefined,
): StopTimeout {
	if (argument !== undefined) return { ms: argument, source: "--stop-timeout" };
	const variable = "LASTCALL_STOP_TIMEOUT";
	const ms = readDuration(variable, env[variable]);
	if (ms !== undefined) return { ms, source: variable };
	if (configured !== undefined)
		return { ms: configured, source: "the configuration" };
	return platformTimeout(env);
}
