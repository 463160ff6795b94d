/** `lastcall run`: a service as the init of a container. Signals, reaper, stragglers and the exit code stand around the service. */
import { isatty } from "node:tty";
import { errorInfo } from "../base/errors.ts";
import { monotonicMs } from "../base/time.ts";
import { readVersion } from "../base/version.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { STOP_SIGNALS } from "../config/schema.ts";
import { type Budget, flushMaxMs, stragglerStopMs } from "../config/stop-timeout.ts";
import { areThreadsLeft } from "../job/thread.ts";
import { libc } from "../os/ffi/libc.ts";
import { returnLargeBlocks, tidyAfterStart } from "../os/processes/memory.ts";
import { startReaper } from "../os/processes/reaper.ts";
import { endStragglers } from "../os/processes/stragglers.ts";
import { widenSignalPipe } from "../os/signals/realtime.ts";
import { exitCode } from "../service/exit-code.ts";
import { openService } from "../service/service.ts";
import { resolveSettings } from "../service/settings.ts";
import { guardStop } from "../service/stop-guard.ts";
import type { Emit, StopReport } from "../supervisor/events.ts";
import type { Supervisor, SupervisorResult } from "../supervisor/supervisor.ts";

export interface RunOptions {
	/** Path of the configuration. */
	readonly config: string | undefined;
	/** Milliseconds; overrides environment and configuration. */
	readonly stopTimeoutMs: number | undefined;
}

export interface Ending {
	readonly code: number;
	/** Whether a job's thread is left, or one of libuv's is busy: Node.js's own way out would wait for it. */
	readonly mayHang: boolean;
}

/** The signals are passed in: main.ts holds them since its first line, and may be bundled apart from this file. */
export type Signals = typeof import("../os/signals/signals.ts");

/** How often to look for zombies that no SIGCHLD has told of: see os/processes/reaper.ts. */
const LOOK_MS = 1_000;

/**
 * Runs a configuration from start to stop.
 *
 * @throws {UserError} before anything is started; after that it never throws.
 */
export async function run({ config, stopTimeoutMs }: RunOptions, signals: Signals): Promise<Ending> {
	const { env } = process;
	const isInit = process.pid === 1;
	// The configuration may name any of them as a stop signal, and may take its time to load.
	if (isInit) signals.listenTo(STOP_SIGNALS);
	returnLargeBlocks(env);
	const loaded = await loadUnlessStopped(config, signals);
	if (!loaded) return { code: 0, mayHang: true };
	const isTerminal = isatty(1);
	const surroundings = { env, isTerminal, isInit, stopTimeoutMs };
	const settings = resolveSettings(loaded, surroundings);
	const { budget, stopTimeout, stopSignals } = settings;
	const service = await openService(settings, guardStop(budget));
	const { supervisor, emit } = service;

	const { role, look } = becomeInit(emit);
	// Listeners for signals and waiting threads do not keep Node.js alive; this timer does.
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
		jobs: supervisor.units.length,
		budgetMs: budget.totalMs,
		budgetSource: stopTimeout.source,
	});
	handleSignals(signals, stopSignals, supervisor, emit);
	const running = service.run();
	tidyAfterStart();
	const result = await running;

	const report = await finish(result, budget, () => hadErrors, emit);
	const spentMs = monotonicMs() - result.requestedAt;
	const flushed = await service.flush(flushMaxMs(budget, spentMs));
	service.close();
	clearInterval(hold);
	// A reader that stalls may hold a thread of libuv's pool.
	const mayHang = areThreadsLeft() || !flushed;
	return { code: report.exitCode, mayHang };
}

/** How long a configuration may go on loading once the stop was requested. */
const LOAD_GRACE_MS = 500;

/** A configuration is a program: it may fetch secrets, or wait for ever. `undefined`: a stop signal came first. */
async function loadUnlessStopped(
	path: string | undefined,
	{ stopSignalWaiting }: Signals,
): Promise<LoadedConfig | undefined> {
	const stopped = stopSignalWaiting
		.then(() => new Promise((resolve) => setTimeout(resolve, LOAD_GRACE_MS)))
		.then(() => undefined);
	const loaded = await Promise.race([loadConfig(path), stopped]);
	if (!loaded) console.error("lastcall: asked to stop while the configuration was loading: nothing was started");
	return loaded;
}

/** Takes the duties of an init as far as the kernel allows. */
function becomeInit(emit: Emit): {
	role: "init" | "subreaper" | "none";
	look: () => void;
} {
	const c = libc();
	const isInit = process.pid === 1;
	if (!c || (!isInit && !c.becomeSubreaper())) return { role: "none", look: () => {} };
	const look = startReaper(c, (orphan) => emit({ type: "orphan.reaped", ...orphan }));
	return { role: isInit ? "init" : "subreaper", look };
}

/** Signals that are passed on to the processes as they come. */
const FORWARDED = ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT", "SIGALRM"] as const;

/** A stop signal requests the stop; a second SIGINT sets the deadline to now. Every other signal is passed on. */
function handleSignals(
	{ listenTo, onSignal }: Signals,
	stopSignals: readonly string[],
	supervisor: Supervisor,
	emit: Emit,
): void {
	// On a terminal SIGHUP says that it was closed: nobody could ever stop us by hand.
	const hangsUp = process.pid !== 1 && isatty(0);
	let interrupts = 0;
	listenTo(FORWARDED);
	listenTo(stopSignals as NodeJS.Signals[]);
	widenSignalPipe();
	onSignal((received) => {
		// Only the signals named above have a listener: no real-time signals.
		const signal = received.signal as NodeJS.Signals;
		const stops = stopSignals.includes(signal) || (signal === "SIGHUP" && hangsUp);
		// Forwarded first: a log line takes longer than the signal.
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
	if (stragglers.found.length > 0 || stragglers.forced) emit({ type: "stragglers.ended", ...stragglers });
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
