/** Runs the jobs of `startJobs()`: a service that one of the app's stop handlers stops. */
import { join } from "node:path";
import { isatty } from "node:tty";
import { UserError } from "../base/errors.ts";
import { MAX_DURATION_MS } from "../base/time.ts";
import type { Config } from "../config/config.ts";
import { exitCode } from "../service/exit.ts";
import { openService } from "../service/service.ts";
import { resolveSettings } from "../service/settings.ts";
import { appInit } from "./app-init.ts";
import { onStop } from "./on-stop.ts";
import { resolveBudget, type StopContext } from "./stop-sequence.ts";

export async function runJobs(config: Config): Promise<void> {
	if (config.stopSignals)
		throw new UserError(
			"Cannot use stopSignals in startJobs(): the app's own init takes the signals, SIGTERM and SIGINT",
		);
	// Stands for the configuration file: relative paths start in its folder.
	const path = join(process.cwd(), "startJobs()");
	const app = resolveBudget();
	// The service has the time of the stop handlers. The rest of the app's stop timeout is for killing late jobs.
	const surroundings = { env: process.env, isTerminal: isatty(1), isInit: false, stopTimeoutMs: app.jobsMs };
	const settings = resolveSettings({ path, origin: "of startJobs()", value: config }, surroundings);
	const stopTimeout = { ...settings.stopTimeout, ms: app.totalMs };
	const service = await openService({ ...settings, stopTimeout, socketPaths: [], terminationMessage: undefined });
	const { supervisor } = service;
	const { totalMs, jobsMs, flushMs } = settings.budget;

	const stop = async ({ reason, deadline }: StopContext) => {
		supervisor.requestStop(reason);
		// Handlers that ran before may have used some of the time.
		const leftMs = () => deadline.remainingMs - (totalMs - jobsMs);
		const timer = setTimeout(() => supervisor.stopNow(), Math.max(leftMs(), 0));
		const result = await running;
		clearTimeout(timer);
		// The stop sequence counts errors of the app itself.
		process.exitCode ||= exitCode(result.reason, result.jobs, { stragglersForced: false, hadErrors: false });
		await service.flush(Math.max(leftMs(), flushMs));
	};
	try {
		onStop("jobs", stop);
	} catch (error) {
		service.close();
		throw error;
	}
	// Threads that wait do not keep Node.js alive; this timer does.
	const hold = setInterval(() => {}, MAX_DURATION_MS);
	const running = service.run();
	void running.then(({ reason }) => {
		clearInterval(hold);
		if (reason.type === "job") appInit().stop(reason);
	});
}
