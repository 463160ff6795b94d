/** Turns events into log lines: a message for people, and the fields of the event for machines. */
import { isLogged, type LogLevel } from "../base/logger.ts";
import { formatDuration } from "../base/time.ts";
import { isSuccess, wasKilled } from "../job/job.ts";
import type { Event } from "../supervisor/events.ts";
import type { Console } from "./console.ts";
import { describeWhereabouts, exitInWords, processesInWords, reasonInWords, roleInWords } from "./words.ts";

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
		const { type, ...fields } = event;
		const [level, message] = (LINES[type] as (event: Event) => Line)(event);
		log(level, { event: type, ...fields }, message, type === "stop.finished");
	};
}

const LINES: { readonly [Type in Event["type"]]: Describe<Type> } = {
	"init.started": (event) =>
		(event.role === "none" ? warn : info)(
			`Main program ${event.version} started as process ${event.pid}, ${roleInWords(event)}; stop timeout ${formatDuration(event.budgetMs)} (${event.budgetSource})`,
		),
	"signal.received": ({ number, signal, early }) =>
		info(`Caught signal ${number} (${signal})${early ? ", which came while Node.js was starting" : ""}`),
	"job.started": ({ job, kind, id }) => info(`Job ${job} started as ${kind} ${id}`),
	"job.waiting": ({ job }) => info(`Job ${job} is waiting for what it depends on`),
	"job.withdrawn": ({ job }) => info(`Job ${job} was waiting for its start, and will not be started`),
	"job.ready": ({ job }) => info(`Job ${job} is ready`),
	"job.startTimedOut": ({ job, waitedMs, detail }) =>
		failure(`Job ${job} is not ready after ${formatDuration(waitedMs)}: ${detail}`),
	"job.stopRequested": ({ job }) => debug(`Job ${job} was asked to stop`),
	"restart.scheduled": ({ job, delayMs, restarts }) =>
		warn(`Job ${job} starts again in ${formatDuration(delayMs)}, restart ${restarts}`),
	"signal.forwarded": ({ signal, jobs }) =>
		debug(`Forwarded ${signal} to ${jobs.join(", ") || "no job: none is a process"}`),
	"command.received": ({ command, job, signal }) =>
		info(`Asked to ${command} job ${job}${signal === undefined ? "" : `: ${signal}`}`),
	"server.opened": ({ address }) => debug(`Status at ${address}`),
	"server.failed": ({ address, error }) => warn(`No status at ${address}: ${error.message}`),
	"job.exited": ({ job, exit, stop }) =>
		(isSuccess(exit) ? info : failure)(
			`Job ${job} ${exitInWords(exit)}${stop ? `, ${formatDuration(stop.tookMs)} after it was asked to stop` : ""}`,
		),
	"job.leaderExited": ({ job, exit, rest }) =>
		(isSuccess(exit) ? info : failure)(
			`Job ${job} ${exitInWords(exit)}; asking the rest of its process group to stop: ${processesInWords(rest)}`,
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
		info(`Stopping: ${reasonInWords(reason)}; the jobs have ${formatDuration(jobsMs)}`),
	"stop.hurried": () => warn("Second SIGINT: the deadline is now"),
	"stragglers.ended": ({ forced, killed, found }) =>
		forced
			? warn(`Killed stragglers: ${processesInWords(killed)}`)
			: info(`Ended stragglers: ${processesInWords(found)}`),
	"stop.finished": ({ report: { exitCode, jobs, tookMs } }) => {
		const started = jobs.filter(({ exit }) => exit.outcome !== "not-started");
		const joined = started.filter(({ exit }) => !wasKilled(exit)).length;
		return (exitCode === 0 ? info : failure)(
			`Exiting main program with code ${exitCode}: ${joined} of ${started.length} jobs joined, stopped in ${formatDuration(tookMs)}`,
		);
	},
	"error.caught": ({ error }) => failure(`Internal error: ${error.message}`),
	"orphan.reaped": ({ pid }) => debug(`Reaped orphan ${pid}`),
};
