/** Events → log lines: what happened in words, and as fields for machines. */
import { formatDuration } from "../duration.ts";
import type { Event, StopReason } from "../events.ts";
import { isSuccess, type JobExit } from "../job/job.ts";
import type { Logger } from "../logger.ts";
import type { ProcessInfo } from "../os/processes.ts";

type Line = readonly [
	level: "debug" | "info" | "warn" | "error",
	message: string,
];

export function logEvents(log: Logger): (event: Event) => void {
	return (event) => {
		const [level, message] = describe(event);
		const { type, ...fields } = event;
		log[level]({ event: type, ...fields }, message);
	};
}

function describe(event: Event): Line {
	switch (event.type) {
		case "init.started":
			return [
				"info",
				`Main program ${event.version} started as process ${event.pid}, ${roleInWords(event.role)}; stop timeout ${formatDuration(event.budgetMs)} (${event.budgetSource})`,
			];
		case "signal.received":
			return [
				"info",
				`Caught signal ${event.number} (${event.signal})${event.early ? ", which came while Node.js was starting" : ""}`,
			];
		case "job.started":
			return ["info", `Job ${event.job} started as thread ${event.id}`];
		case "job.ready":
			return ["info", `Job ${event.job} is ready`];
		case "job.exited":
			return [
				isSuccess(event.exit) ? "info" : "error",
				`Job ${event.job} ${exitInWords(event.exit)}${event.stop ? `, ${formatDuration(event.stop.tookMs)} after it was asked to stop` : ""}`,
			];
		case "job.killed":
			return [
				"warn",
				`Job ${event.job} has not joined after ${formatDuration(event.waitedMs)}: ending it by force`,
			];
		case "job.outputDropped":
			return [
				"warn",
				`Job ${event.job}: ${event.bytes} bytes of its output found no reader during the stop`,
			];
		case "output.dropped":
			return [
				"warn",
				`${event.bytes} bytes of the log found no reader and are lost`,
			];
		case "stop.requested":
			return [
				"info",
				`Stopping: ${reasonInWords(event.reason)}; the jobs have ${formatDuration(event.jobsMs)}`,
			];
		case "stop.hurried":
			return ["warn", "Second SIGINT: the deadline is now"];
		case "stragglers.ended":
			return event.killed.length > 0
				? ["warn", `Killed stragglers: ${processesInWords(event.killed)}`]
				: ["info", `Ended stragglers: ${processesInWords(event.found)}`];
		case "stop.finished": {
			const { exitCode, jobs, tookMs } = event.report;
			const joined = jobs.filter(({ exit }) => !isLate(exit)).length;
			return [
				exitCode === 0 ? "info" : "error",
				`Exiting main program with code ${exitCode}: ${joined} of ${jobs.length} jobs joined, stopped in ${formatDuration(tookMs)}`,
			];
		}
		case "orphan.reaped":
			return ["debug", `Reaped orphan ${event.pid}`];
	}
}

function roleInWords(role: "init" | "subreaper" | "none"): string {
	if (role === "init") return "the container's init";
	return role === "subreaper"
		? "a child subreaper"
		: "without reaping orphans (neither node:ffi nor koffi loads here)";
}

function reasonInWords(reason: StopReason): string {
	switch (reason.type) {
		case "signal":
			return reason.signal;
		case "job":
			return `essential job ${reason.job} has ended`;
		case "idle":
			return "every job has ended";
		case "error":
			return `internal error: ${reason.error.message}`;
	}
}

function exitInWords(exit: JobExit): string {
	switch (exit.outcome) {
		case "finished":
			return "finished";
		case "failed":
			return `failed: ${exit.error.name}: ${exit.error.message}`;
		case "exited":
			return `called process.exit(${exit.code})`;
		case "out-of-memory":
			return `ran out of memory: ${exit.error.message}`;
		case "not-started":
			return `could not start: ${exit.error.message}`;
		case "killed":
			return "was killed: its clean shutdown code has not run to its end";
		case "stuck":
			return "is stuck in native code and cannot even be killed";
	}
}

function isLate({ outcome }: JobExit): boolean {
	return outcome === "killed" || outcome === "stuck";
}

function processesInWords(processes: readonly ProcessInfo[]): string {
	return (
		processes.map(({ pid, command }) => `${pid} (${command})`).join(", ") ||
		"some that /proc does not show"
	);
}
