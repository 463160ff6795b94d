/** Runs the jobs of `startJobs()`: a service that one of the app's stop handlers stops. */
import { join } from "node:path";
import { isatty } from "node:tty";
import { UserError } from "../base/errors.ts";
import { MAX_DURATION_MS } from "../base/time.ts";
import type { Config } from "../config/config.ts";
import { planBudget } from "../config/stop-timeout.ts";
import { exitCode } from "../service/exit-code.ts";
import { openService } from "../service/service.ts";
import { resolveSettings } from "../service/settings.ts";
import { appInit } from "./app-init.ts";
import { onStop } from "./on-stop.ts";
import { resolveBudget } from "./stop-sequence.ts";

export async function runJobs(config: Config): Promise<void> {
	if (config.stopSignals)
		throw new UserError(
			"Cannot use stopSignals in startJobs(): the app's own init takes the signals, SIGTERM and SIGINT",
		);
	// Stands for the configuration file: messages name it, and relative paths start in its folder.
	const path = join(process.cwd(), "startJobs()");
	const settings = resolveSettings(
		{ path, value: config },
		{
			env: process.env,
			isTerminal: isatty(1),
			isInit: false,
			stopTimeoutMs: resolveBudget().totalMs,
			// The service has the time of the stop handlers. The rest of the app's stop timeout is for killing late jobs.
			share: (ms) => planBudget(ms).jobsMs,
		},
	);
	const service = await openService({ ...settings, socketPaths: [], terminationMessage: undefined });
	const { supervisor } = service;
	const { budget } = settings;

	onStop("jobs", async ({ reason, deadline }) => {
		supervisor.requestStop(reason);
		// Handlers that ran before may have used some of the time.
		const reserveMs = budget.totalMs - budget.jobsMs;
		const timer = setTimeout(() => supervisor.expire(), Math.max(deadline.remainingMs - reserveMs, 0));
		const result = await running;
		clearTimeout(timer);
		// The stop sequence counts errors of the app itself.
		const circumstances = { stragglersForced: false, hadErrors: false };
		process.exitCode ||= exitCode(result.reason, result.jobs, circumstances);
		await service.flush(Math.max(deadline.remainingMs - reserveMs, budget.flushMs));
		service.close();
	});
	// Threads that wait do not keep Node.js alive; this timer does.
	const hold = setInterval(() => {}, MAX_DURATION_MS);
	const running = service.run();
	void running.then(({ reason }) => {
		clearInterval(hold);
		if (reason.type === "job") appInit().stop(reason);
	});
}
