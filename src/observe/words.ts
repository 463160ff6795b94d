/** Puts facts into words for log lines, reports and tables. */
import type { JobExit, Whereabouts } from "../job/job.ts";
import { TO_GET_BINDING } from "../os/ffi/ffi.ts";
import type { KernelState } from "../os/processes/kernel-state.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import type { Event, StopReason } from "../supervisor/events.ts";

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

export function roleInWords({ role, binding }: Extract<Event, { type: "init.started" }>): string {
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
			return exit.expected ? `ended by ${exit.signal}` : `was killed by ${exit.signal}`;
		case "out-of-memory":
			return `ran out of memory: ${exit.error.message}`;
		case "not-started":
			return `could not start: ${exit.error.message}`;
		case "not-ready":
			return `failed: ${exit.error.message}`;
		case "killed":
			return "was killed: its clean shutdown code did not finish";
		case "stuck":
			return "did not end even when it was killed: it is stuck in native code or in the kernel";
	}
}

export function processesInWords(processes: readonly ProcessInfo[]): string {
	const named = processes.slice(0, NAMED).map(processInWords);
	if (processes.length > NAMED) named.push("and more");
	return named.join(", ") || "some that /proc does not show";
}

/** Says where a late job was: `in flush (/app/jobs/mailer.ts:42)`, `in native code: openat`. */
export function describeWhereabouts(where: Whereabouts): string {
	switch (where.type) {
		case "javascript": {
			// The first frame of the job's own code: the internals of Node.js above it say little.
			const frame = where.stack.find(({ file }) => file !== "" && !file.startsWith("node:")) ?? where.stack[0];
			if (!frame) return "in JavaScript";
			return `in ${frame.function} (${frame.file}${frame.line === undefined ? "" : `:${frame.line}`})`;
		}
		case "idle":
			return "waiting for something asynchronous";
		case "native":
			return where.call === undefined
				? `${describeKernelState(where)}, and gave no answer in time`
				: `in native code: ${describeKernelState(where)}`;
		case "process": {
			const others = where.others.slice(0, NAMED_OTHERS).map(processInWords);
			const more = where.others.length - others.length;
			if (more > 0) others.push(`and ${more} more`);
			return [`${describeKernelState(where)}: ${where.command}`, ...others].join(", ");
		}
	}
}

function processInWords({ pid, command }: ProcessInfo): string {
	return `${pid} (${command})`;
}

function describeKernelState({ state, call, waitsIn }: KernelState): string {
	const details = [call, waitsIn && `in the kernel's ${waitsIn}`].filter((detail) => detail !== undefined);
	return [STATES[state] ?? state, ...details].join(", ");
}
