/** What a user may ask of single jobs while the program runs: `lastcall stop|restart|signal JOB`. */
import { constants } from "node:os";
import { show } from "../base/errors.ts";
import type { Emit } from "./events.ts";
import type { Unit } from "./unit.ts";

export type JobCommand =
	| { readonly type: "stop" | "restart"; readonly job: string }
	| { readonly type: "signal"; readonly job: string; readonly signal: string };

export interface CommandResult {
	readonly done: boolean;
	/** What was done, or why not. */
	readonly message: string;
}

/** Carries a command out and settles when that is done; never rejects. */
export type Control = (command: JobCommand) => Promise<CommandResult>;

/** @param isStopping Whether the program stops: then no job is started any more. */
export function controlJobs(units: ReadonlyMap<string, Unit>, emit: Emit, isStopping: () => boolean): Control {
	/** How often each was stopped by a command. */
	const stops = new Map<Unit, number>();
	return async (command) => {
		const { type, job: name } = command;
		const unit = units.get(name);
		if (!unit) return no(`Cannot ${type} ${show(name)}: no such job, expected one of ${[...units.keys()].join(", ")}`);
		emit({
			type: "command.received",
			command: type,
			job: name,
			...(type === "signal" && { signal: command.signal }),
		});
		if (type === "signal") return sendSignal(unit, command.signal);
		// What depends on it has to stop first.
		const stopping = no(`Cannot ${type} ${name}: the program is stopping`);
		if (isStopping()) return stopping;
		switch (type) {
			case "stop": {
				const before = unit.state;
				stops.set(unit, (stops.get(unit) ?? 0) + 1);
				const stop = await unit.stop();
				if (stop)
					return yes(`Job ${name} ${stop.killed ? "was killed" : "has stopped"} after ${Math.round(stop.tookMs)} ms`);
				return yes(
					before === "waiting" || before === "backing-off"
						? `Job ${name} was waiting for its start, and will not be started`
						: `Job ${name} was not running`,
				);
			}
			case "restart": {
				const { missing, ended } = dependenciesOf(unit, units);
				if (ended) return no(`Cannot restart ${name}: it depends on ${ended}, which has ended`);
				if (unit.state === "waiting" && missing.length > 0)
					return yes(`Job ${name} is waiting for ${missing.join(", ")}`);
				const stopsBefore = stops.get(unit);
				await unit.stop();
				if (!(await unit.leftOver.isFree()))
					return no(`Cannot restart ${name}: its last run has not gone, it is stuck in native code or in the kernel`);
				if (isStopping()) return stopping;
				if (stops.get(unit) !== stopsBefore) return no(`Cannot restart ${name}: it was stopped meanwhile`);
				return start(unit, units);
			}
		}
	};
}

function whyNot({ state, lastExit: last, isRunning }: Unit): string {
	const lastExit = isRunning ? undefined : last;
	if (lastExit && "error" in lastExit) return lastExit.error.message;
	if (lastExit && "code" in lastExit) return `it exited with code ${lastExit.code}`;
	return `it is ${state}`;
}

/** Names of those that are not ready, and of one that will never be. */
function dependenciesOf(
	{ plan }: Unit,
	units: ReadonlyMap<string, Unit>,
): { missing: string[]; ended: string | undefined } {
	const missing = plan.dependsOn.filter((name) => !units.get(name)?.isReady);
	const ended = missing.find((name) => units.get(name)?.isOver);
	return { missing, ended };
}

async function start(unit: Unit, units: ReadonlyMap<string, Unit>): Promise<CommandResult> {
	const { name } = unit.plan;
	const { missing, ended } = dependenciesOf(unit, units);
	if (ended) return no(`Cannot restart ${name}: it depends on ${ended}, which has ended`);
	if (missing.length > 0) {
		unit.wait();
		return yes(`Job ${name} is waiting for ${missing.join(", ")}`);
	}
	unit.start();
	// That its program is not there any more is known a turn of the event loop later.
	await new Promise(setImmediate);
	await unit.started();
	if (unit.isReady) return yes(`Job ${name} is ${unit.state}`);
	return no(`Cannot restart ${name}: ${whyNot(unit)}`);
}

function sendSignal(unit: Unit, signal: string): CommandResult {
	const { name } = unit.plan;
	if (!isSignal(signal)) return no(`Cannot send ${show(signal)}: no such signal, expected a name such as SIGHUP`);
	return unit.signal(signal)
		? yes(`Sent ${signal} to job ${name}`)
		: no(`Cannot send ${signal} to ${name}: found no process that could take it`);
}

function isSignal(name: string): name is NodeJS.Signals {
	return Object.hasOwn(constants.signals, name);
}

function yes(message: string): CommandResult {
	return { done: true, message };
}

function no(message: string): CommandResult {
	return { done: false, message };
}
