import {
	resolveStopTimeout,
	type StopTimeout,
} from "../config/stop-timeout.ts";
import { attempt } from "../errors.ts";
import { type Budget, planBudget } from "../supervisor/budget.ts";

export interface StopBudget extends Budget {
	/** Where the stop timeout comes from, in words. */
	readonly source: StopTimeout["source"];
}

/**
 * The stop timeout of an app: `LASTCALL_STOP_TIMEOUT`, else the platform's default.
 *
 * @throws {UserError} if the variable holds no duration.
 */
export function resolveBudget(env = process.env): StopBudget {
	const { ms, source } = resolveStopTimeout(undefined, env, undefined);
	return { ...planBudget(ms), source };
}

/** As `resolveBudget()`; never throws, for the stop itself. */
export function stopBudget(): StopBudget {
	return attempt(resolveBudget) ?? resolveBudget({});
}
