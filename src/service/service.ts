/**
 * A service: jobs under a supervisor, and everything that hears of them. `lastcall run` and `startJobs()` are its two callers.
 */
import { errorInfo, UserError } from "../base/errors.ts";
import { isLogged } from "../base/logger.ts";
import { flushStallMs } from "../config/stop-timeout.ts";
import { openConsole } from "../observe/console.ts";
import { logEvents } from "../observe/log.ts";
import { StatusSource } from "../observe/status.ts";
import { drawTimeline, writeTerminationMessage } from "../observe/stop-report.ts";
import type { Emit, Event } from "../supervisor/events.ts";
import { Supervisor, type SupervisorResult } from "../supervisor/supervisor.ts";
import { planUnits } from "./plan.ts";
import type { Settings } from "./settings.ts";

export interface Service {
	readonly supervisor: Supervisor;
	/** Tells everybody who hears of events. */
	readonly emit: Emit;
	/** Starts the jobs; settles when their stop is over. Never rejects. */
	run(): Promise<SupervisorResult>;
	/**
	 * Waits until all output has left.
	 *
	 * @param maxMs Milliseconds it may take.
	 * @returns Whether all of it has.
	 */
	flush(maxMs: number): Promise<boolean>;
	/** Removes the socket. */
	close(): void;
}

/** Asking the terminal would take hold of standard output, and make it non-blocking for all processes that share it. */
const COLUMNS = 100;

/**
 * @param guard Hears of each event before all others.
 * @throws {UserError} if the configured port cannot be had; nothing is started then.
 */
export async function openService(settings: Settings, guard: Emit = () => {}): Promise<Service> {
	const { log, budget, http, socketPaths, terminationMessage } = settings;
	const console = openConsole(log, (bytes) => emit({ type: "output.dropped", bytes }));
	const listeners: ((event: Event) => void)[] = [guard];
	// A listener that fails must not take the supervisor with it. Its error is a bug of ours, and is reported as one.
	const emit: Emit = (event) => {
		for (const listen of listeners)
			try {
				listen(event);
			} catch (error) {
				if (event.type !== "error.caught") emit({ type: "error.caught", error: errorInfo(error) });
			}
	};
	const plans = await planUnits(settings, (job) => ({
		onOutput: console.write,
		onDropped: (bytes) => emit({ type: "job.outputDropped", job, bytes }),
	}));
	const supervisor = new Supervisor(plans, budget, emit);
	const status = new StatusSource(supervisor.units, settings.stopTimeout.ms);
	listeners.push((event) => status.observe(event));
	if (log.format === "pretty" && isLogged("info", log.level))
		listeners.push((event) => {
			if (event.type === "stop.finished") console.print(drawTimeline(event.report, COLUMNS));
		});
	listeners.push(logEvents(console.log, log.level));
	if (terminationMessage !== undefined) listeners.push(writeTerminationMessage(terminationMessage));

	if (http) await openPort(http, status);
	let closeSocket = () => {};
	let isOver = false;
	async function listenOnSocket(): Promise<void> {
		const { openSocket } = await import("../observe/server.ts");
		const { control } = supervisor;
		const { event, listening } = await openSocket(socketPaths, status, control);
		if (listening) closeSocket = listening.close;
		// The report is the last thing that is told.
		if (!isOver) emit(event);
	}

	return {
		supervisor,
		emit,
		async run() {
			const running = supervisor.run();
			// Both take longer to load than a job takes to start: the first jobs boot meanwhile.
			console.start();
			if (socketPaths.length > 0) void listenOnSocket();
			const result = await running;
			isOver = true;
			return result;
		},
		flush: (maxMs) => console.flush(flushStallMs(budget, maxMs), maxMs),
		close: () => closeSocket(),
	};
}

async function openPort(where: { host: string; port: number }, status: StatusSource): Promise<void> {
	const { serve } = await import("../observe/server.ts");
	try {
		await serve(where, status);
	} catch (error) {
		throw new UserError(
			`Cannot use http: ${errorInfo(error).message}, expected an address of this machine with a free port`,
		);
	}
}
