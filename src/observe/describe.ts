/** Describes events and facts in plain English: for the lines of the log, reports and tables. */
import { isLogged, type LogLevel } from "../base/logger.ts";
import { formatDuration } from "../base/time.ts";
import { describeExit, isSuccess, type Whereabouts, wasKilled } from "../job/job.ts";
import { TO_GET_BINDING } from "../os/ffi/ffi.ts";
import type { KernelState } from "../os/processes/kernel-state.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import type { Event, StopReason } from "../supervisor/events.ts";
import type { Console } from "./console.ts";

type Line = readonly [level: LogLevel, message: string];
type Describe<Type extends Event["type"]> = (event: Extract<Event, { type: Type }>) => Line;

const debug = (message: string): Line => ["debug", message];
const info = (message: string): Line => ["info", message];
const warn = (message: string): Line => ["warn", message];
const failure = (message: string): Line => ["error", message];

/** Events whose messages are built only where "debug" is logged: a storm of orphans makes thousands of events. */
const DEBUG = new Set<Event["type"]>(["job.stopRequested", "orphan.reaped", "server.opened", "signal.forwarded"]);

export function logEvents(log: Console["log"], least: LogLevel): (event: Event) => void {
	const debugs = isLogged("debug", least);
	return (event) => {
		if (!debugs && DEBUG.has(event.type)) return;
		const { type } = event;
		const [level, message] = (LINES[type] as (event: Event) => Line)(event);
		log(level, { event: type, ...fieldsOf(event) }, message, type === "stop.finished");
	};
}

/**
 * The fields of a record: times to a tenth of a millisecond, since nothing here is measured more exactly, and the stack
 * of an error only in the first of the records that report the error.
 */
function fieldsOf({ type, ...fields }: Event): Record<string, unknown> {
	const isFirst = type === "job.exited" || type === "error.caught";
	const text = JSON.stringify(fields, (key, value) => {
		if (typeof value === "number") return Math.round(value * 10) / 10;
		// The stack of a late thread is a list of frames.
		return key === "stack" && typeof value === "string" && !isFirst ? undefined : value;
	});
	return JSON.parse(text);
}

const LINES: { readonly [Type in Event["type"]]: Describe<Type> } = {
	"init.started": (event) =>
		(event.role === "none" ? warn : info)(
			`lastcall ${event.version} started as process ${event.pid}, ${describeRole(event)}; stop timeout ${formatDuration(event.budgetMs)} (${event.budgetSource})`,
		),
	"signal.received": ({ number, signal, early }) =>
		info(`Caught signal ${number} (${signal})${early ? ", which came while Node.js was starting" : ""}`),
	"job.started": ({ job, kind, id }) => info(`Job ${job} started as ${kind} ${id}`),
	"job.waiting": ({ job }) => info(`Job ${job} is waiting for what it depends on`),
	"job.scheduled": ({ job, next }) =>
		info(`Job ${job} is scheduled; ${next === undefined ? "no date is left" : `its next date is ${showDate(next)}`}`),
	"job.skipped": ({ job }) => warn(`Job ${job} has not ended by its next date, which is skipped`),
	"job.withdrawn": ({ job }) => info(`Job ${job} was waiting for its start, and will not be started`),
	"job.ready": ({ job }) => info(`Job ${job} is ready`),
	"job.startTimedOut": ({ job, waitedMs, detail }) =>
		failure(`Job ${job} is not ready after ${formatDuration(waitedMs)}: ${detail}`),
	"job.unresponsive": ({ job, found, where }) =>
		failure(`Job ${job} is unresponsive: ${found}${where ? ` (${describeWhereabouts(where)})` : ""}: stopping it`),
	"job.stopRequested": ({ job }) => debug(`Job ${job} was asked to stop`),
	"restart.scheduled": ({ job, delayMs, restarts }) =>
		warn(`Job ${job} starts again in ${formatDuration(delayMs)}, restart ${restarts}`),
	"signal.forwarded": ({ signal, jobs }) =>
		debug(`Forwarded ${signal} to ${jobs.join(", ") || "no job: none is a process"}`),
	"command.received": ({ command, job, signal }) =>
		info(`Asked to ${command}${job === undefined ? "" : ` job ${job}`}${signal === undefined ? "" : `: ${signal}`}`),
	"server.opened": ({ address }) => debug(`Status at ${address}`),
	"server.failed": ({ address, error }) => warn(`No status at ${address}: ${error.message}`),
	"job.exited": ({ job, exit, stop }) =>
		(isSuccess(exit) ? info : failure)(
			`Job ${job} ${describeExit(exit)}${stop ? `, ${formatDuration(stop.tookMs)} after it was asked to stop` : ""}`,
		),
	"job.leaderExited": ({ job, exit, rest }) =>
		(isSuccess(exit) ? info : failure)(
			`Job ${job} ${describeExit(exit)}; asking the rest of its process group to stop: ${describeProcesses(rest)}`,
		),
	"job.leftOver": ({ job, id }) =>
		warn(`Job ${job} has ended, but not its thread ${id}: a call in native code holds it`),
	"job.killed": ({ job, waitedMs, where }) =>
		warn(
			`Job ${job} has not joined after ${formatDuration(waitedMs)}${where ? ` (${describeWhereabouts(where)})` : ""}: ending it by force`,
		),
	"job.outputDropped": ({ job, bytes }) => warn(`Job ${job}: ${bytes} bytes of its output are lost: nobody read them`),
	"output.dropped": ({ bytes }) => warn(`${bytes} bytes of the log could not be written and are lost`),
	"stop.requested": ({ reason, jobsMs }) =>
		info(`Stopping: ${describeReason(reason)}; the jobs have ${formatDuration(jobsMs)}`),
	"stop.hurried": () => warn("Second SIGINT: the deadline is now"),
	"stragglers.ended": ({ forced, killed, found }) =>
		forced
			? warn(`Killed stragglers: ${describeProcesses(killed)}`)
			: info(`Ended stragglers: ${describeProcesses(found)}`),
	"stop.finished": ({ report: { exitCode, jobs, tookMs } }) => {
		const started = jobs.filter(({ exit }) => exit.outcome !== "not-started");
		const joined = started.filter(({ exit }) => !wasKilled(exit)).length;
		const rest = jobs.length > started.length ? `, ${jobs.length - started.length} did not start` : "";
		return (exitCode === 0 ? info : failure)(
			`Exiting main program with code ${exitCode}: ${joined} of ${started.length} jobs joined${rest}, stopped in ${formatDuration(tookMs)}`,
		);
	},
	"error.caught": ({ error }) => failure(`Internal error: ${error.message}`),
	"orphan.reaped": ({ pid }) => debug(`Reaped orphan ${pid}`),
};

/** A moment in UTC, to the second: `2026-11-29 03:00:00Z`. */
export function showDate(ms: number): string {
	return new Date(ms).toISOString().replace("T", " ").replace(/\.\d+/, "");
}

/** Processes that a line names at most: of any, and of the group of a job. */
const NAMED = 20;
const NAMED_OTHERS = 3;

/** Process states of proc_pid_stat(5). */
const STATES: Readonly<Record<string, string>> = {
	R: "running",
	S: "sleeping",
	D: "in uninterruptible sleep",
	T: "stopped",
	t: "stopped by a debugger",
	Z: "a zombie",
};

function describeRole({ role, binding }: Extract<Event, { type: "init.started" }>): string {
	if (role === "init") return "the container's init";
	if (role === "subreaper") return "a child subreaper";
	return binding === "none"
		? `without reaping orphans, and without a guard at the stop timeout: neither node:ffi nor koffi loads here (${TO_GET_BINDING})`
		: "without reaping orphans: the kernel has refused to make it a child subreaper";
}

export function describeReason(reason: StopReason): string {
	if (reason.type === "signal") return reason.signal;
	if (reason.type === "job") return `essential job ${reason.job} has ended`;
	if (reason.type === "idle") return "every job has ended";
	if (reason.type === "command") return "lastcall stop";
	return `internal error: ${reason.error.message}`;
}

export function describeProcesses(processes: readonly ProcessInfo[]): string {
	const named = processes.slice(0, NAMED).map(describeProcess);
	if (processes.length > NAMED) named.push("and more");
	return named.join(", ") || "some that /proc does not show";
}

/** Where a late job was: `in flush (/app/jobs/mailer.ts:42)`, `in native code: openat`. */
export function describeWhereabouts(where: Whereabouts): string {
	if (where.type === "idle") return `waiting for something asynchronous${describeOpen(where.waitsFor)}`;
	if (where.type === "javascript") {
		// The first frame of the job's own code: the internals of Node.js above it help little.
		const frame = where.stack.find(({ file }) => file !== "" && !file.startsWith("node:")) ?? where.stack[0];
		if (!frame) return "in JavaScript";
		return `in ${frame.function} (${frame.file}${frame.line === undefined ? "" : `:${frame.line}`})`;
	}
	const state = describeKernelState(where);
	if (where.type === "native")
		return where.call === undefined ? `${state}, and gave no answer in time` : `in native code: ${state}`;
	const others = where.others.slice(0, NAMED_OTHERS).map(describeProcess);
	const more = where.others.length - others.length;
	if (more > 0) others.push(`and ${more} more`);
	return [`${state}: ${where.command}`, ...others].join(", ");
}

/** `, open: 2 × TCPSocketWrap, Timeout`. With nothing open it is a promise that nobody settles. */
function describeOpen(counts: Readonly<Record<string, number>> | undefined): string {
	if (!counts) return "";
	const open = Object.entries(counts).map(([name, count]) => (count === 1 ? name : `${count} × ${name}`));
	return `, open: ${open.join(", ") || "nothing"}`;
}

function describeProcess({ pid, command }: ProcessInfo): string {
	return `${pid} (${command})`;
}

function describeKernelState({ state, call, waitsIn }: KernelState): string {
	const details = [call, waitsIn && `in the kernel's ${waitsIn}`].filter((detail) => detail !== undefined);
	return [STATES[state] ?? state, ...details].join(", ");
}
