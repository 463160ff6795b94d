/** Where the parts of `lastcall run` meet: settings, signals, reaper, jobs, observers → exit code. No policy of its own. */
import { isatty } from "node:tty";
import { loadConfig } from "./config/load.ts";
import { resolveLogSettings } from "./config/log-settings.ts";
import { resolveStopTimeout } from "./config/stop-timeout.ts";
import { validateConfig } from "./config/validate.ts";
import { MAX_DURATION_MS } from "./duration.ts";
import { attempt, errorInfo } from "./errors.ts";
import type { Emit, StopReport } from "./events.ts";
import { ThreadJob } from "./job/thread.ts";
import { openConsole } from "./observe/console.ts";
import { logEvents } from "./observe/log.ts";
import { libc } from "./os/libc.ts";
import { startReaper } from "./os/reaper.ts";
import { onSignal } from "./os/signals.ts";
import { endStragglers } from "./os/stragglers.ts";
import {
	type Budget,
	planBudget,
	stragglerStopMs,
} from "./supervisor/budget.ts";
import { exitCode } from "./supervisor/exit-code.ts";
import {
	type JobPlan,
	Supervisor,
	type SupervisorResult,
} from "./supervisor/supervisor.ts";
import { readVersion } from "./version.ts";

export interface RunOptions {
	/** Path of the configuration. */
	readonly config: string | undefined;
	/** Goes before environment and configuration. */
	readonly stopTimeoutMs: number | undefined;
}

export interface Ending {
	readonly code: number;
	/** Whether every thread is gone, and libuv's are idle; if not, the regular way out of the process is blocked. */
	readonly threadsJoined: boolean;
}

/**
 * Runs a configuration from start to stop.
 *
 * @throws {UserError} before anything is started; after that it never throws.
 */
export async function run(options: RunOptions): Promise<Ending> {
	const { env } = process;
	const isTerminal = isatty(1);
	const settings = validateConfig(await loadConfig(options.config));
	const logSettings = resolveLogSettings(
		env,
		{ level: settings.logLevel, format: settings.logFormat },
		isTerminal,
	);
	const stopTimeout = resolveStopTimeout(
		options.stopTimeoutMs,
		env,
		settings.stopTimeout,
	);
	const budget = planBudget(stopTimeout.ms);

	const console = await openConsole(logSettings, isTerminal, (bytes) =>
		emit({ type: "output.dropped", bytes }),
	);
	const observers = [logEvents(console.log)];
	// An observer that fails must not take the supervisor with it.
	const emit: Emit = (event) => {
		for (const observe of observers) attempt(() => observe(event));
	};

	const plans = Object.entries(settings.jobs).map(([name, job]): JobPlan => {
		const { thread: file, data, resourceLimits, essential } = job;
		const spec = {
			name,
			file,
			data,
			env: { ...env, ...job.env },
			...(resourceLimits && { resourceLimits }),
			logLevel: logSettings.level,
		};
		const hooks = {
			onReady: () => emit({ type: "job.ready", job: name }),
			onOutput: console.write,
			onDropped: (bytes: number) =>
				emit({ type: "job.outputDropped", job: name, bytes }),
		};
		return {
			job: new ThreadJob(spec, hooks),
			essential,
			stopTimeoutMs: job.stopTimeout ?? MAX_DURATION_MS,
		};
	});
	const supervisor = new Supervisor(plans, budget, emit);

	// Neither listeners for signals nor waiting threads keep Node.js alive.
	const hold = setInterval(() => {}, MAX_DURATION_MS);
	process.on("uncaughtException", (error) =>
		supervisor.requestStop({ type: "error", error: errorInfo(error) }),
	);
	const role = becomeInit(emit);
	emit({
		type: "init.started",
		version: readVersion(),
		pid: process.pid,
		node: process.version,
		binding: libc()?.binding ?? "none",
		role,
		jobs: plans.length,
		budgetMs: budget.totalMs,
		budgetSource: stopTimeout.source,
	});
	stopOnSignals(supervisor, emit);

	const result = await supervisor.run();
	const report = await finish(result, budget, emit);
	const flushed = await console.flush(budget.flushMs);
	clearInterval(hold);
	const threadsJoined = report.jobs.every(
		({ exit }) => exit.outcome !== "stuck",
	);
	// A stalled reader may hold a thread of libuv's pool.
	return { code: report.exitCode, threadsJoined: threadsJoined && flushed };
}

/** Takes the duties of an init as far as the kernel lets us. */
function becomeInit(emit: Emit): "init" | "subreaper" | "none" {
	const c = libc();
	if (!c) return "none";
	const isInit = process.pid === 1;
	if (!isInit && !c.becomeSubreaper()) return "none";
	startReaper(c, (orphan) => emit({ type: "orphan.reaped", ...orphan }));
	return isInit ? "init" : "subreaper";
}

/** SIGTERM and SIGINT ask for the stop; a second SIGINT is somebody at a keyboard who means now. */
function stopOnSignals(supervisor: Supervisor, emit: Emit): void {
	let interrupts = 0;
	onSignal((received) => {
		emit({ type: "signal.received", ...received });
		const { signal } = received;
		if (signal === "SIGTERM" || signal === "SIGINT")
			supervisor.requestStop({ type: "signal", ...received });
		if (signal === "SIGINT" && ++interrupts === 2) supervisor.hurry();
	});
}

/** Everything between the last job's exit and the program's own. */
async function finish(
	{ reason, jobs, requestedAt }: SupervisorResult,
	budget: Budget,
	emit: Emit,
): Promise<StopReport> {
	const elapsed = () => performance.now() - requestedAt;
	const stragglers = await endStragglers({
		stopMs: stragglerStopMs(budget, elapsed()),
		killMs: budget.stragglerKillMs,
	});
	if (stragglers.found.length > 0)
		emit({ type: "stragglers.ended", ...stragglers });
	const report: StopReport = {
		reason,
		jobs,
		stragglers,
		tookMs: elapsed(),
		budgetMs: budget.totalMs,
		exitCode: exitCode(reason, jobs, stragglers.killed.length > 0),
	};
	emit({ type: "stop.finished", report });
	return report;
}
