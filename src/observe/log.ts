/** Events → log lines: what happened in words, and as fields for machines. */

import { isLogged, type LogLevel } from "../base/logger.ts";
import { formatDuration } from "../base/time.ts";
import { isSuccess, wasKilled } from "../job/job.ts";
import type { Event } from "../supervisor/events.ts";
import type { Console } from "./console.ts";
import { describeWhereabouts, exitInWords, processesInWords, reasonInWords, roleInWords } from "./words.ts";

type Line = readonly [level: "debug" | "info" | "warn" | "error", message: string];

/** Not even worded where "debug" is not logged: a storm of orphans may be under way. */
const FOR_DEBUGGING: ReadonlySet<Event["type"]> = new Set([
	"job.stopRequested",
	"orphan.reaped",
	"server.opened",
	"signal.forwarded",
]);

export function logEvents(log: Console["log"], least: LogLevel): (event: Event) => void {
	const debugs = isLogged("debug", least);
	return (event) => {
		if (!debugs && FOR_DEBUGGING.has(event.type)) return;
		const [level, message] = describe(event);
		const { type, ...fields } = event;
		const isReport = type === "stop.finished";
		log(level, { event: type, ...fields }, message, isReport);
	};
}

function describe(event: Event): Line {
	switch (event.type) {
		case "init.started":
			return [
				event.role === "none" ? "warn" : "info",
				`Main program ${event.version} started as process ${event.pid}, ${roleInWords(event)}; stop timeout ${formatDuration(event.budgetMs)} (${event.budgetSource})`,
			];
		case "signal.received":
			return [
				"info",
				`Caught signal ${event.number} (${event.signal})${event.early ? ", which came while Node.js was starting" : ""}`,
			];
		case "job.started":
			return ["info", `Job ${event.job} started as ${event.kind} ${event.id}`];
		case "job.waiting":
			return ["info", `Job ${event.job} is waiting for what it depends on`];
		case "job.withdrawn":
			return ["info", `Job ${event.job} was waiting for its start, and will not be started`];
		case "job.ready":
			return ["info", `Job ${event.job} is ready`];
		case "job.startTimedOut":
			return ["error", `Job ${event.job} is not ready after ${formatDuration(event.waitedMs)}: ${event.detail}`];
		case "job.stopRequested":
			return ["debug", `Job ${event.job} was asked to stop`];
		case "restart.scheduled":
			return ["warn", `Job ${event.job} starts again in ${formatDuration(event.delayMs)}, restart ${event.restarts}`];
		case "signal.forwarded":
			return ["debug", `Forwarded ${event.signal} to ${event.jobs.join(", ") || "no job: none is a process"}`];
		case "command.received":
			return [
				"info",
				`Asked to ${event.command} job ${event.job}${event.signal === undefined ? "" : `: ${event.signal}`}`,
			];
		case "server.opened":
			return ["debug", `Status at ${event.address}`];
		case "server.failed":
			return ["warn", `No status at ${event.address}: ${event.error.message}`];
		case "job.exited":
			return [
				isSuccess(event.exit) ? "info" : "error",
				`Job ${event.job} ${exitInWords(event.exit)}${event.stop ? `, ${formatDuration(event.stop.tookMs)} after it was asked to stop` : ""}`,
			];
		case "job.leaderExited":
			return [
				isSuccess(event.exit) ? "info" : "error",
				`Job ${event.job} ${exitInWords(event.exit)}; asking the rest of its process group to stop: ${processesInWords(event.rest)}`,
			];
		case "job.leftOver":
			return ["warn", `Job ${event.job} has ended, but not its thread ${event.id}: a call in native code holds it`];
		case "job.killed":
			return [
				"warn",
				`Job ${event.job} has not joined after ${formatDuration(event.waitedMs)}${event.where ? ` (${describeWhereabouts(event.where)})` : ""}: ending it by force`,
			];
		case "job.outputDropped":
			return ["warn", `Job ${event.job}: ${event.bytes} bytes of its output are lost: nobody read them`];
		case "output.dropped":
			return ["warn", `${event.bytes} bytes of the log could not be written and are lost`];
		case "stop.requested":
			return ["info", `Stopping: ${reasonInWords(event.reason)}; the jobs have ${formatDuration(event.jobsMs)}`];
		case "stop.hurried":
			return ["warn", "Second SIGINT: the deadline is now"];
		case "stragglers.ended":
			return event.forced
				? ["warn", `Killed stragglers: ${processesInWords(event.killed)}`]
				: ["info", `Ended stragglers: ${processesInWords(event.found)}`];
		case "stop.finished": {
			const { exitCode, jobs, tookMs } = event.report;
			const started = jobs.filter(({ exit }) => exit.outcome !== "not-started");
			const joined = started.filter(({ exit }) => !wasKilled(exit)).length;
			return [
				exitCode === 0 ? "info" : "error",
				`Exiting main program with code ${exitCode}: ${joined} of ${started.length} jobs joined, stopped in ${formatDuration(tookMs)}`,
			];
		}
		case "error.caught":
			return ["error", `Internal error: ${event.error.message}`];
		case "orphan.reaped":
			return ["debug", `Reaped orphan ${event.pid}`];
	}
}
