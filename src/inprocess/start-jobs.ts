/** `startJobs()`: loads what it needs when it is called. */
import type { Config } from "../config/config.ts";

/**
 * Runs job threads and processes beside the app, as `lastcall run` does, and stops them with it: they are one of its stop handlers,
 * named "jobs". When an essential job ends the app is stopped, with that job's exit code.
 *
 * What they say goes to standard output, as log lines and as it is. Relative paths are taken from the working directory.
 * There is no socket for `lastcall status`; `http` serves the state if the configuration says where.
 *
 * @returns Resolves when the first jobs have been started.
 * @throws {UserError} if the configuration has mistakes; then nothing is started.
 */
export async function startJobs(config: Config): Promise<void> {
	// Loaded only here: most apps have no jobs.
	const { runJobs } = await import("./run-jobs.ts");
	await runJobs(config);
}
