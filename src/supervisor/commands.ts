/** What users can do while the program runs: `lastcall stop [JOB]`, and `start`, `restart` and `signal` for a job. */
import { constants } from "node:os";
import { show } from "../base/errors.ts";
import { describeExit } from "../job/job.ts";
import type { Emit } from "./events.ts";
import type { Unit } from "./unit.ts";

export type JobCommand =
	/** Without `job` the whole program stops. */
	| Readonly<{ type: "stop"; job?: string }>
	/** `wait`: the answer comes when the job is ready, or when its start has failed; else at once. @default true */
	| Readonly<{ type: "start" | "restart"; job: string; wait?: boolean }>
	| Readonly<{ type: "signal"; job: string; signal: string }>;

/** `message`: what was done, or why nothing was. */
export type CommandResult = Readonly<{ done: boolean; message: string }>;

/** Carries out a command. Settles when the command is done or refused; never rejects. */
export type Control = (command: JobCommand) => Promise<CommandResult>;

type Units = ReadonlyMap<string, Unit>;

const yes = (message: string): CommandResult => ({ done: true, message });
const no = (message: string): CommandResult => ({ done: false, message });

/**
 * @param isStopping Whether the program's stop was requested: from then on no job is started.
 * @param stopAll Requests the program's stop.
 */
export function controlJobs(units: Units, emit: Emit, isStopping: () => boolean, stopAll: () => void): Control {
	/** How often each job was stopped by a command. */
	const stops = new Map<Unit, number>();
	return async (command) => {
		const { type, job: name } = command;
		if (name === undefined) {
			emit({ type: "command.received", command: type });
			stopAll();
			return yes("The program is stopping");
		}
		const unit = units.get(name);
		if (!unit) return no(`Cannot ${type} ${show(name)}: no such job, expected one of ${[...units.keys()].join(", ")}`);
		emit({ type: "command.received", command: type, job: name, ...(type === "signal" && { signal: command.signal }) });
		if (type === "signal") return sendSignal(unit, command.signal);
		// Not even a stop: the program's stop keeps an order, in which the jobs that depend on this one stop first.
		const stopping = no(`Cannot ${type} ${name}: the program is stopping`);
		if (isStopping()) return stopping;
		if (type === "stop") {
			stops.set(unit, (stops.get(unit) ?? 0) + 1);
			return stop(unit);
		}
		if (type === "start" && (unit.isRunning || unit.state === "backing-off"))
			return yes(`Job ${name} is ${unit.state} already`);
		const blocked = whyBlocked(type, unit, units);
		// Nothing is stopped for a restart that is refused, or for a job that waits already.
		if (blocked && (unit.state === "waiting" || !blocked.done)) return blocked;
		const stopsBefore = stops.get(unit);
		// It has no run, and keeps its schedule.
		if (unit.state !== "scheduled") await unit.stop();
		if (!(await unit.leftOver.isFree()))
			return no(`Cannot ${type} ${name}: its last run has not gone, it is stuck in native code or in the kernel`);
		if (isStopping()) return stopping;
		if (stops.get(unit) !== stopsBefore) return no(`Cannot ${type} ${name}: it was stopped meanwhile`);
		return start(command, unit, units);
	};
}

async function stop(unit: Unit): Promise<CommandResult> {
	const { state, plan } = unit;
	const stopped = await unit.stop();
	let what = "was not running";
	if (state === "scheduled") what = "is off its schedule, and will not be started";
	if (stopped) what = `${stopped.killed ? "was killed" : "has stopped"} after ${Math.round(stopped.tookMs)} ms`;
	else if (state === "waiting" || state === "backing-off") what = "was waiting for its start, and will not be started";
	return yes(`Job ${plan.name} ${what}`);
}

type Start = Extract<JobCommand, { type: "start" | "restart" }>;

async function start({ type, wait = true }: Start, unit: Unit, units: Units): Promise<CommandResult> {
	const { name } = unit.plan;
	const blocked = whyBlocked(type, unit, units);
	if (blocked?.done) unit.wait();
	if (blocked) return blocked;
	unit.start();
	// If the job's program does not exist, that is known one turn of the event loop later.
	await new Promise(setImmediate);
	if (wait) await unit.started();
	const failed = !unit.isRunning && unit.lastExit?.outcome === "not-started";
	if ((unit.isReady && !failed) || (!wait && unit.state === "starting")) return yes(`Job ${name} is ${unit.state}`);
	const exit = unit.isRunning ? undefined : unit.lastExit;
	return no(`Cannot ${type} ${name}: it ${exit ? describeExit(exit) : `is ${unit.state}`}`);
}

/** The answer if a job that this one depends on is not ready: the job waits, or the command is refused. */
function whyBlocked(type: Start["type"], { plan: { name, dependsOn } }: Unit, units: Units): CommandResult | undefined {
	const missing = dependsOn.filter((other) => !units.get(other)?.isReady);
	const ended = missing.find((other) => units.get(other)?.isOver);
	if (ended) return no(`Cannot ${type} ${name}: it depends on ${ended}, which has ended`);
	return missing.length > 0 ? yes(`Job ${name} is waiting for ${missing.join(", ")}`) : undefined;
}

/** @param written The signal's name, also without its `SIG`. */
function sendSignal(unit: Unit, written: string): CommandResult {
	const { name } = unit.plan;
	const signal = written.startsWith("SIG") ? written : `SIG${written}`;
	if (!Object.hasOwn(constants.signals, signal))
		return no(`Cannot send ${show(written)}: no such signal, expected a name such as SIGHUP`);
	if (unit.signal(signal as NodeJS.Signals)) return yes(`Sent ${signal} to job ${name}`);
	return no(`Cannot send ${signal} to ${name}: found no process that could take it`);
}
