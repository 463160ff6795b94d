/** A service: jobs under a supervisor, and the listeners for their events. `lastcall run` and `startJobs()` open it. */
import { errorInfo, UserError } from "../base/errors.ts";
import { isLogged, type LogLevel } from "../base/logger.ts";
import type { FunctionSettings, JobSettings } from "../config/schema.ts";
import { flushStallMs } from "../config/stop-timeout.ts";
import type { JobHooks, RunHooks } from "../job/job.ts";
import { lineFormats } from "../job/line-records.ts";
import { ThreadJob } from "../job/thread.ts";
import { openConsole } from "../observe/console.ts";
import { logEvents } from "../observe/describe.ts";
import type { Close } from "../observe/server.ts";
import { StatusSource } from "../observe/status.ts";
import { drawTimeline, writeTerminationMessage } from "../observe/stop-report.ts";
import { libc } from "../os/ffi/libc.ts";
import type { Emit } from "../supervisor/events.ts";
import type { Watch } from "../supervisor/liveness.ts";
import type { UnitPlan } from "../supervisor/plan.ts";
import type { Timetable } from "../supervisor/schedule.ts";
import { Supervisor, type SupervisorResult } from "../supervisor/supervisor.ts";
import type { Settings } from "./settings.ts";

export interface Service {
	readonly supervisor: Supervisor;
	/** Passes an event to all listeners. */
	readonly emit: Emit;
	/** Starts the jobs. Settles when their stop is over; never rejects. */
	run(): Promise<SupervisorResult>;
	/**
	 * Waits for the output to be written, for at most `maxMs` milliseconds.
	 *
	 * @returns Whether all of it was written.
	 */
	flush(maxMs: number): Promise<boolean>;
	/** Stops listening: removes the socket, and frees the port. */
	close(): void;
}

/** Width of the timeline where no terminal has another. */
const COLUMNS = 80;

/**
 * @param guard Receives each event before the other listeners.
 * @throws {UserError} if the service cannot listen on the configured port. Nothing is started then.
 */
export async function openService(settings: Settings, guard: Emit = () => {}): Promise<Service> {
	const { log, budget, http, socketPaths, terminationMessage } = settings;
	const console = openConsole(log, (bytes) => emit({ type: "output.dropped", bytes }));
	const listeners: Emit[] = [guard];
	// An error in a listener is a bug of ours. It is reported, and must not end the supervisor.
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
			if (event.type === "stop.finished")
				console.print(drawTimeline(event.report, libc()?.terminalColumns(1) || COLUMNS));
		});
	listeners.push(logEvents(console.log, log.level));
	if (terminationMessage !== undefined) listeners.push(writeTerminationMessage(terminationMessage));

	const closePort = http && (await openPort(http, status));
	let closeSocket = () => {};
	let isOver = false;
	listeners.push((event) => {
		isOver ||= event.type === "stop.finished";
	});
	async function listenOnSocket(): Promise<void> {
		const { openSocket } = await import("../observe/server.ts");
		const { event, close } = await openSocket(socketPaths, status, supervisor.control);
		if (close) closeSocket = close;
		// No event may follow the stop report.
		if (!isOver) emit(event);
	}

	return {
		supervisor,
		emit,
		async run() {
			const running = supervisor.run();
			// The console and the server take longer to load than a job takes to start: load them while the first jobs boot.
			console.start();
			if (socketPaths.length > 0) void listenOnSocket();
			return running;
		},
		flush: (maxMs) => console.flush(flushStallMs(budget, maxMs), maxMs),
		close() {
			closeSocket();
			closePort?.();
		},
	};
}

/** @param hooksOf Returns those hooks of a job that do not come from the supervisor. */
export async function planUnits(
	{ jobs, output, env, log }: Pick<Settings, "jobs" | "output" | "env" | "log">,
	hooksOf: (name: string) => Omit<JobHooks, keyof RunHooks>,
): Promise<UnitPlan[]> {
	const plans: UnitPlan[] = [];
	const formatOf = lineFormats(log, Object.keys(jobs));
	for (const [name, job] of Object.entries(jobs)) {
		// What a thread prints passes through the init anyway. A process that inherits descriptors costs the init nothing,
		// and may find a terminal there.
		const inLines = (job.output ?? output ?? ("thread" in job ? "log" : "inherit")) === "log";
		const own = { name, env: { ...env, ...job.variables }, lines: inLines ? formatOf(name) : undefined };
		const allHooks = (hooks: RunHooks): JobHooks => ({ ...hooks, ...hooksOf(name) });
		const watching = { watch: await planChecks(job, own.env), exitsIfStuck: job.liveness?.onStuck === "exit" };
		const planned = { ...job, ...watching, name, timetable: await timetableOf(job) };
		if ("thread" in job) {
			const spec = { ...job, ...own, logLevel: log.level };
			plans.push({ ...planned, kind: "thread", makeJob: (hooks) => new ThreadJob(spec, allHooks(hooks)) });
		} else {
			// node:child_process is loaded only if there is a process job.
			const { ProcessJob } = await import("../job/process.ts");
			const spec = { ...("process" in job ? await functionSpec(name, job, log.level) : job), ...own };
			plans.push({ ...planned, kind: "process", makeJob: (hooks) => new ProcessJob(spec, allHooks(hooks)) });
		}
	}
	return plans;
}

async function functionSpec(name: string, job: FunctionSettings, logLevel: LogLevel) {
	const { functionCommand } = await import("../job/process-channel.ts");
	const { process: file, data, stopSignal, liveness } = job;
	const answers = liveness?.heartbeat !== undefined && !liveness.explicit;
	return { ...job, command: functionCommand(job), assignment: { name, file, data, logLevel, stopSignal, answers } };
}

/** Loads the code for liveness only if the job has it. */
async function planChecks(job: JobSettings, env: NodeJS.ProcessEnv): Promise<Watch | undefined> {
	const { liveness } = job;
	if (!liveness) return undefined;
	const { planWatch } = await import("../supervisor/liveness.ts");
	if (!liveness.command) return planWatch(liveness);
	const { checkByCommand } = await import("../job/command-check.ts");
	const cwd = "cwd" in job ? job.cwd : undefined;
	return planWatch(liveness, checkByCommand({ command: liveness.command, cwd, env }));
}

/** Loads the code for cron expressions only if the job has one. */
async function timetableOf({ schedule, timeZone }: JobSettings): Promise<Timetable | undefined> {
	if (schedule === undefined) return undefined;
	if (typeof schedule !== "string") return { everyMs: schedule.every };
	const { parseCron } = await import("../config/cron.ts");
	return { next: parseCron(schedule, timeZone) };
}

async function openPort(where: { host: string; port: number }, status: StatusSource): Promise<Close> {
	const { serve } = await import("../observe/server.ts");
	try {
		return await serve(where, status);
	} catch (error) {
		throw new UserError(
			`Cannot use http: ${errorInfo(error).message}, expected an address of this machine with a free port`,
		);
	}
}
