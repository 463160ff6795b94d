/** Where the parts of `lastcall run` meet: settings, signals, reaper, jobs, observers → exit code. No policy of its own. */
import { isatty } from "node:tty";
import { monotonicMs } from "./clock.ts";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import { resolveLogSettings } from "./config/log-settings.ts";
import { socketPaths, terminationMessagePath } from "./config/places.ts";
import { STOP_SIGNALS } from "./config/schema.ts";
import { resolveStopTimeout } from "./config/stop-timeout.ts";
import { validateConfig } from "./config/validate.ts";
import { errorInfo } from "./errors.ts";
import type { Emit, StopReport } from "./events.ts";
import { areThreadsLeft } from "./job/thread.ts";
import { openObservers } from "./observe/observers.ts";
import { libc } from "./os/libc.ts";
import { returnLargeBlocks, tidyAfterStart } from "./os/memory.ts";
import { startReaper } from "./os/reaper.ts";
import { widenSignalPipe } from "./os/signal-pipe.ts";
import { endStragglers } from "./os/stragglers.ts";
import {
	type Budget,
	checkBudget,
	flushMaxMs,
	flushStallMs,
	planBudget,
	stragglerStopMs,
} from "./supervisor/budget.ts";
import { exitCode } from "./supervisor/exit-code.ts";
import { planUnits } from "./supervisor/plan.ts";
import { guardStop } from "./supervisor/stop-guard.ts";
import { Supervisor, type SupervisorResult } from "./supervisor/supervisor.ts";
import { readVersion } from "./version.ts";

export interface RunOptions {
	/** Path of the configuration. */
	readonly config: string | undefined;
	/** Goes before environment and configuration. */
	readonly stopTimeoutMs: number | undefined;
}

export interface Ending {
	readonly code: number;
	/** Whether a job's thread is there, or one of libuv's is busy: Node.js's own way out would wait for it. */
	readonly mayHang: boolean;
}

/** The signals are handed in: main.ts has held them since its first line, and is bundled apart from this file. */
export type Signals = typeof import("./os/signals.ts");

/**
 * Runs a configuration from start to stop.
 *
 * @throws {UserError} before anything is started; after that it never throws.
 */
export async function run(
	options: RunOptions,
	signals: Signals,
): Promise<Ending> {
	const { env } = process;
	const isTerminal = isatty(1);
	// The configuration may name any of them as a stop signal, and may take its time to load.
	if (process.pid === 1) signals.listenTo(STOP_SIGNALS);
	returnLargeBlocks(env);
	const loaded = await loadUnlessStopped(options.config, signals);
	if (!loaded) return { code: 0, mayHang: true };
	const settings = validateConfig(loaded, env);
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
	const budget = planBudget(stopTimeout.ms, settings.drainDelay);
	checkBudget(budget);

	const observers = await openObservers({
		settings,
		log: logSettings,
		isTerminal,
		stopTimeoutMs: budget.totalMs,
		terminationMessage: terminationMessagePath(
			env,
			settings.terminationMessage,
			loaded.path,
		),
	});
	const { console } = observers;
	const guard = guardStop(budget);
	const emit: Emit = (event) => {
		guard(event);
		observers.emit(event);
	};

	const plans = await planUnits(settings, {
		env,
		logLevel: logSettings.level,
		hooksOf: (job) => ({
			onOutput: console.write,
			onDropped: (bytes) => emit({ type: "job.outputDropped", job, bytes }),
		}),
	});
	const supervisor = new Supervisor(plans, budget, emit);

	// Neither listeners for signals nor waiting threads keep Node.js alive.
	const { role, look } = becomeInit(emit);
	const hold = setInterval(look, LOOK_MS);
	let hadErrors = false;
	process.on("uncaughtException", (thrown) => {
		const error = errorInfo(thrown);
		hadErrors = true;
		emit({ type: "error.caught", error });
		supervisor.requestStop({ type: "error", error });
	});
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
	handleSignals(signals, settings.stopSignals, supervisor, emit);

	const running = supervisor.run();
	// Only now: the jobs boot meanwhile.
	console.start();
	const sockets = socketPaths(
		env,
		settings.socket,
		loaded.path,
		process.pid === 1,
	);
	// Only now: it takes longer to load than a job to start.
	if (sockets.length > 0) observers.openSocket(sockets, supervisor.control);
	tidyAfterStart();

	const result = await running;
	const report = await finish(result, budget, () => hadErrors, emit);
	const maxMs = flushMaxMs(budget, monotonicMs() - result.requestedAt);
	const flushed = await console.flush(flushStallMs(budget, maxMs), maxMs);
	observers.close();
	clearInterval(hold);
	// A stalled reader may hold a thread of libuv's pool.
	const mayHang = areThreadsLeft() || !flushed;
	return { code: report.exitCode, mayHang };
}

/** How long a configuration may still load when the stop has been requested meanwhile. */
const LOAD_GRACE_MS = 500;

/** It is a program: it may fetch secrets, or wait for something that never comes. `undefined`: the stop did not wait for it. */
async function loadUnlessStopped(
	path: string | undefined,
	{ stopSignalWaiting }: Signals,
): Promise<LoadedConfig | undefined> {
	const stopped = stopSignalWaiting
		.then(() => new Promise((resolve) => setTimeout(resolve, LOAD_GRACE_MS)))
		.then(() => undefined);
	const loaded = await Promise.race([loadConfig(path), stopped]);
	if (!loaded)
		console.error(
			"lastcall: asked to stop while the configuration was loading: nothing was started",
		);
	return loaded;
}

/** How often to look for zombies that no SIGCHLD has told of: see os/reaper.ts. */
const LOOK_MS = 1_000;

/** Takes the duties of an init as far as the kernel lets us. */
function becomeInit(emit: Emit): {
	role: "init" | "subreaper" | "none";
	look: () => void;
} {
	const c = libc();
	const isInit = process.pid === 1;
	if (!c || (!isInit && !c.becomeSubreaper()))
		return { role: "none", look: () => {} };
	const look = startReaper(c, (orphan) =>
		emit({ type: "orphan.reaped", ...orphan }),
	);
	return { role: isInit ? "init" : "subreaper", look };
}

/** Passed on to the processes, as they came. */
const FORWARDED = [
	"SIGHUP",
	"SIGQUIT",
	"SIGUSR1",
	"SIGUSR2",
	"SIGWINCH",
	"SIGCONT",
	"SIGALRM",
] as const;

/**
 * Stop signals ask for the stop; a second SIGINT is somebody at a keyboard who means now. All others that can be heard are
 * passed on.
 */
function handleSignals(
	{ listenTo, onSignal }: Signals,
	stopSignals: readonly string[],
	supervisor: Supervisor,
	emit: Emit,
): void {
	// A terminal that was closed, not a request to read the configuration again: nobody could ever stop us by hand.
	const hangsUp = process.pid !== 1 && isatty(0);
	let interrupts = 0;
	listenTo(FORWARDED);
	listenTo(stopSignals as NodeJS.Signals[]);
	widenSignalPipe();
	onSignal((received) => {
		// Only those named above have a listener here: no real-time signals.
		const signal = received.signal as NodeJS.Signals;
		const stops =
			stopSignals.includes(signal) || (signal === "SIGHUP" && hangsUp);
		// Sent before it is told of: a log line takes longer than the signal's whole way.
		const jobs = stops ? [] : supervisor.forward(signal);
		emit({ type: "signal.received", ...received });
		if (stops) supervisor.requestStop({ type: "signal", ...received });
		else emit({ type: "signal.forwarded", signal, jobs });
		if (signal === "SIGINT" && stops && ++interrupts === 2) supervisor.hurry();
	});
}

/** Everything between the last job's exit and the program's own. */
async function finish(
	{ reason, jobs, requestedAt }: SupervisorResult,
	budget: Budget,
	hadErrors: () => boolean,
	emit: Emit,
): Promise<StopReport> {
	const elapsed = () => monotonicMs() - requestedAt;
	const stragglers = await endStragglers({
		stopMs: stragglerStopMs(budget, elapsed()),
		killMs: budget.stragglerKillMs,
	});
	if (stragglers.found.length > 0 || stragglers.forced)
		emit({ type: "stragglers.ended", ...stragglers });
	const report: StopReport = {
		reason,
		jobs,
		stragglers,
		tookMs: elapsed(),
		budgetMs: budget.totalMs,
		jobsMs: budget.jobsMs,
		exitCode: exitCode(reason, jobs, {
			stragglersForced: stragglers.forced,
			hadErrors: hadErrors(),
		}),
	};
	emit({ type: "stop.finished", report });
	return report;
}
