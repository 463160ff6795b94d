/** Facts in words, for log lines, reports and tables. */
import type { Event, StopReason } from "../events.ts";
import type { JobExit } from "../job/job.ts";
import { TO_GET_BINDING } from "../os/ffi.ts";
import type { ProcessInfo } from "../os/processes.ts";

export function roleInWords({
	role,
	binding,
}: Extract<Event, { type: "init.started" }>): string {
	if (role === "init") return "the container's init";
	if (role === "subreaper") return "a child subreaper";
	return binding === "none"
		? `without reaping orphans, and without a guard at the stop timeout: neither node:ffi nor koffi loads here (${TO_GET_BINDING})`
		: "without reaping orphans: the kernel has refused to make it a child subreaper";
}

export function reasonInWords(reason: StopReason): string {
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

export function exitInWords(exit: JobExit): string {
	switch (exit.outcome) {
		case "finished":
			return "finished";
		case "failed":
			return `failed: ${exit.error.name}: ${exit.error.message}`;
		case "exited":
			return `exited with code ${exit.code}`;
		case "signaled":
			return exit.expected
				? `ended by ${exit.signal}`
				: `was killed by ${exit.signal}`;
		case "out-of-memory":
			return `ran out of memory: ${exit.error.message}`;
		case "not-started":
			return `could not start: ${exit.error.message}`;
		case "not-ready":
			return `failed: ${exit.error.message}`;
		case "killed":
			return "was killed: its clean shutdown code has not run to its end";
		case "stuck":
			return "did not go even when it was killed: it is stuck in native code or in the kernel";
	}
}

/** So many are named in a line. */
const NAMED = 20;

export function processesInWords(processes: readonly ProcessInfo[]): string {
	const named = processes
		.slice(0, NAMED)
		.map(({ pid, command }) => `${pid} (${command})`);
	if (processes.length > NAMED) named.push("and more");
	return named.join(", ") || "some that /proc does not show";
}
