/** Where the parts of `startJobs()` meet: settings, observers, the supervisor, and the app's stop sequence. No policy of its own. */
import { join } from "node:path";
import { isatty } from "node:tty";
import type { Config } from "../config/config.ts";
import { resolveLogSettings } from "../config/log-settings.ts";
import { validateConfig } from "../config/validate.ts";
import { MAX_DURATION_MS } from "../duration.ts";
import { UserError } from "../errors.ts";
import { openObservers } from "../observe/observers.ts";
import { checkBudget, flushStallMs, planBudget } from "../supervisor/budget.ts";
import { exitCode } from "../supervisor/exit-code.ts";
import { planUnits } from "../supervisor/plan.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { resolveBudget } from "./budget.ts";
import { onStop } from "./on-stop.ts";
import { appInit } from "./shared.ts";

export async function runJobs(config: Config): Promise<void> {
	const { env } = process;
	if (config.stopSignals)
		throw new UserError(
			"Cannot use stopSignals in startJobs(): the app's own init takes the signals, SIGTERM and SIGINT",
		);
	// It stands for the file: messages name it, and relative paths begin beside it.
	const path = join(process.cwd(), "startJobs()");
	const settings = validateConfig({ path, value: config }, env);
	const isTerminal = isatty(1);
	const log = resolveLogSettings(
		env,
		{ level: settings.logLevel, format: settings.logFormat },
		isTerminal,
	);
	// The jobs' part of the app's budget; what they keep of it is for killing who is late.
	const { totalMs, jobsMs } = resolveBudget();
	const budget = planBudget(jobsMs, settings.drainDelay);
	checkBudget(budget);
	const observers = await openObservers({
		settings,
		log,
		isTerminal,
		stopTimeoutMs: totalMs,
		terminationMessage: undefined,
	});
	const { emit, console } = observers;
	const plans = await planUnits(settings, {
		env,
		logLevel: log.level,
		hooksOf: (job) => ({
			onOutput: console.write,
			onDropped: (bytes) => emit({ type: "job.outputDropped", job, bytes }),
		}),
	});
	const supervisor = new Supervisor(plans, budget, emit);

	onStop("jobs", async ({ reason, deadline }) => {
		supervisor.requestStop(reason);
		// Handlers before this one may have taken some of the time.
		const killing = budget.totalMs - budget.jobsMs;
		const left = Math.max(deadline.remainingMs - killing, 0);
		const timer = setTimeout(() => supervisor.expire(), left);
		const result = await running;
		clearTimeout(timer);
		process.exitCode ||= exitCode(result.reason, result.jobs, {
			stragglersForced: false,
			// The app's own count for its exit code anyway.
			hadErrors: false,
		});
		const maxMs = Math.max(deadline.remainingMs - killing, budget.flushMs);
		await console.flush(flushStallMs(budget, maxMs), maxMs);
		observers.close();
	});
	// Waiting threads do not keep Node.js alive.
	const hold = setInterval(() => {}, MAX_DURATION_MS);
	const running = supervisor.run();
	console.start();
	running.then(({ reason }) => {
		clearInterval(hold);
		if (reason.type === "job") appInit().stop(reason);
	});
}
