/** `lastcall run`: a service as the init of a container, with its signals, reaper, stragglers and exit code. */
import { isatty } from "node:tty";
import { errorInfo } from "../base/errors.ts";
import { monotonicMs, secondPress } from "../base/time.ts";
import { readVersion } from "../base/versions.ts";
import { configOf, type LoadedConfig, loadConfig } from "../config/load.ts";
import { STOP_SIGNALS } from "../config/signals.ts";
import { type Budget, flushMaxMs, stragglerStopMs } from "../config/stop-timeout.ts";
import { areThreadsLeft } from "../job/thread.ts";
import { libc } from "../os/ffi/libc.ts";
import { returnLargeBlocks, tidyAfterStart } from "../os/processes/memory.ts";
import { startReaper } from "../os/processes/reaper.ts";
import { endStragglers } from "../os/processes/stragglers.ts";
import { widenSignalPipe } from "../os/signals/special.ts";
import { exitCode, guardStop } from "../service/exit.ts";
import { openService } from "../service/service.ts";
import { resolveSettings } from "../service/settings.ts";
import type { Emit, StopReport } from "../supervisor/events.ts";
import type { Supervisor, SupervisorResult } from "../supervisor/supervisor.ts";

export interface RunOptions {
	/** Path of the configuration. @default the first default name that exists */
	readonly config: string | undefined;
	/** A program and its arguments, in place of a configuration. */
	readonly program: readonly string[] | undefined;
	/** Overrides the environment and the configuration. */
	readonly stopTimeoutMs: number | undefined;
}

export interface Ending {
	readonly code: number;
	/** Whether a job's thread is left, or a thread of libuv's pool is busy: Node.js's own exit would wait for it. */
	readonly threadMayBeStuck: boolean;
}

/** Passed in, because main.ts listens for signals from its first line on, and may be in another bundle. */
export type Signals = typeof import("../os/signals/signals.ts");

/**
 * When to look for zombies that no SIGCHLD has announced (os/processes/reaper.ts): a while after the end of a job, when
 * its thread has gone, and now and then, for threads that a thread has made. Each scan wakes an idle container.
 */
const SCAN_AFTER_MS = 1_000;
const SCAN_EVERY_MS = 30_000;

/** How long a configuration may go on loading after a stop signal. */
const LOAD_GRACE_MS = 500;

/** Signals that are passed on to the processes. */
const FORWARDED = ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT", "SIGALRM"] as const;

/**
 * Runs a configuration from start to stop.
 *
 * @throws {UserError} before anything is started. After that it never throws.
 */
export async function run({ config, program, stopTimeoutMs }: RunOptions, signals: Signals): Promise<Ending> {
	const { env } = process;
	const isInit = process.pid === 1;
	// The configuration, which may take long to load, can make each of these a stop signal.
	if (isInit) signals.listenTo(STOP_SIGNALS);
	returnLargeBlocks(env);
	const loaded = program ? configOf(program) : await loadUnlessStopped(config, signals);
	// What the configuration is still doing may hold a thread of libuv's pool.
	if (!loaded) return { code: 0, threadMayBeStuck: true };
	const settings = resolveSettings(loaded, { env, isTerminal: isatty(1), isInit, stopTimeoutMs });
	const { budget, stopTimeout, stopSignals } = settings;
	const guard = guardStop(budget);
	const service = await openService(settings, (event) => {
		guard(event);
		if (event.type === "job.exited") setTimeout(scan, SCAN_AFTER_MS).unref();
	});
	const { supervisor, emit } = service;

	const { role, scan } = becomeInit(emit);
	// Signal listeners and waiting threads do not keep Node.js alive; this timer does.
	const hold = setInterval(scan, SCAN_EVERY_MS);
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
		jobs: supervisor.units.length,
		budgetMs: budget.totalMs,
		budgetSource: stopTimeout.source,
	});
	handleSignals(signals, stopSignals, supervisor, emit);
	const running = service.run();
	tidyAfterStart();
	const result = await running;

	const code = await finish(result, budget, () => hadErrors, emit);
	const flushed = await service.flush(flushMaxMs(budget, monotonicMs() - result.requestedAt));
	service.close();
	clearInterval(hold);
	// A write to a reader that stalls may hold a thread of libuv's pool.
	return { code, threadMayBeStuck: areThreadsLeft() || !flushed };
}

/**
 * Loads the configuration, which is a program: it may fetch secrets, or never end.
 *
 * @returns `undefined` if a stop signal came first.
 */
async function loadUnlessStopped(path: string | undefined, signals: Signals): Promise<LoadedConfig | undefined> {
	const stopped = signals.stopSignalWaiting.then(
		() => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), LOAD_GRACE_MS)),
	);
	const loaded = await Promise.race([loadConfig(path), stopped]);
	if (!loaded) console.error("lastcall: asked to stop while the configuration was loading: nothing was started");
	return loaded;
}

/** Takes on the duties of an init as far as the kernel allows. */
function becomeInit(emit: Emit): { role: "init" | "subreaper" | "none"; scan: () => void } {
	const c = libc();
	const isInit = process.pid === 1;
	if (!c || (!isInit && !c.becomeSubreaper())) return { role: "none", scan: () => {} };
	const scan = startReaper(c, (orphan) => emit({ type: "orphan.reaped", ...orphan }));
	return { role: isInit ? "init" : "subreaper", scan };
}

/** A stop signal requests the stop; a second SIGINT sets the deadline to now. Other signals are passed on. */
function handleSignals(
	{ listenTo, onSignal }: Signals,
	stopSignals: readonly string[],
	supervisor: Supervisor,
	emit: Emit,
): void {
	// On a terminal SIGHUP means that the terminal was closed: nobody could stop lastcall by hand any more.
	const stopsOnHangup = process.pid !== 1 && isatty(0);
	const isSecondPress = secondPress();
	listenTo(FORWARDED);
	listenTo(stopSignals as NodeJS.Signals[]);
	widenSignalPipe();
	onSignal((received) => {
		// Only the signals above have a listener, so this is not a real-time signal.
		const signal = received.signal as NodeJS.Signals;
		const stops = stopSignals.includes(signal) || (signal === "SIGHUP" && stopsOnHangup);
		// The signal is forwarded before it is logged: a log line takes longer.
		const jobs = stops ? [] : supervisor.forward(signal);
		emit({ type: "signal.received", ...received });
		if (stops) supervisor.requestStop({ type: "signal", ...received });
		else emit({ type: "signal.forwarded", signal, jobs });
		if (signal === "SIGINT" && stops && isSecondPress()) {
			emit({ type: "stop.hurried" });
			supervisor.stopNow();
		}
	});
}

/**
 * Does everything between the exit of the last job and the exit of the program.
 *
 * @returns The exit code.
 */
async function finish(
	{ reason, jobs, requestedAt }: SupervisorResult,
	budget: Budget,
	hadErrors: () => boolean,
	emit: Emit,
): Promise<number> {
	const elapsed = () => monotonicMs() - requestedAt;
	const stopMs = stragglerStopMs(budget, elapsed());
	const stragglers = await endStragglers({ stopMs, killMs: budget.stragglerKillMs });
	if (stragglers.found.length > 0 || stragglers.forced) emit({ type: "stragglers.ended", ...stragglers });
	const report: StopReport = {
		reason,
		jobs,
		stragglers,
		tookMs: elapsed(),
		budgetMs: budget.totalMs,
		jobsMs: budget.jobsMs,
		exitCode: exitCode(reason, jobs, { stragglersForced: stragglers.forced, hadErrors: hadErrors() }),
	};
	emit({ type: "stop.finished", report });
	return report.exitCode;
}
