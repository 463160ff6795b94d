/** `startJobs()`: loads the code for jobs when it is called, since most apps have none. */
import type { Config } from "../config/config.ts";

/**
 * Runs job threads and processes beside the app, as `lastcall run` does, and stops them with the app.
 *
 * The jobs are one stop handler of the app, "jobs", which this call registers. A late job is killed and named in the
 * log. When an essential job ends the app stops with that job's exit code. The log and the output of the jobs go to
 * standard output and standard error of the app.
 *
 * @param config The configuration of `lastcall run`. Relative paths start at the working directory. The app's stop
 * timeout overrides `stopTimeout`; `socket` and `terminationMessage` are ignored; `stopSignals` is refused.
 * @returns Resolves when the first jobs have been started.
 * @throws {UserError} if the configuration has mistakes, the port of `http` is not free, or a handler "jobs" exists. No
 * job is started then.
 */
export async function startJobs(config: Config): Promise<void> {
	const { runJobs } = await import("./run-jobs.ts");
	await runJobs(config);
}
