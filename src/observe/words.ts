/** Facts in words, for log lines, reports and tables. */

import type { JobExit, Whereabouts } from "../job/job.ts";
import { TO_GET_BINDING } from "../os/ffi/ffi.ts";
import type { KernelState } from "../os/processes/kernel-state.ts";
import type { Frame } from "../os/processes/locate-thread.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import type { Event, StopReason } from "../supervisor/events.ts";

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
			return "was killed: its clean shutdown code has not run to its end";
		case "stuck":
			return "did not go even when it was killed: it is stuck in native code or in the kernel";
	}
}

/** So many are named in a line. */
const NAMED = 20;

export function processesInWords(processes: readonly ProcessInfo[]): string {
	const named = processes.slice(0, NAMED).map(({ pid, command }) => `${pid} (${command})`);
	if (processes.length > NAMED) named.push("and more");
	return named.join(", ") || "some that /proc does not show";
}

const STATES: Readonly<Record<string, string>> = {
	R: "running",
	S: "sleeping",
	D: "in uninterruptible sleep",
	T: "stopped",
	t: "stopped by a debugger",
	Z: "a zombie",
};

/** The whereabouts for a reader: `in flush (/app/jobs/mailer.ts:42)`, `in native code: openat`. */
export function describeWhereabouts(where: Whereabouts): string {
	switch (where.type) {
		case "javascript": {
			const frame = where.stack.find(isOfUser) ?? where.stack[0];
			return frame
				? `in ${frame.function} (${frame.line === undefined ? frame.file : `${frame.file}:${frame.line}`})`
				: "in JavaScript";
		}
		case "idle":
			return "waiting for something asynchronous";
		case "native":
			return where.call === undefined
				? `${describeKernelState(where)}, and gave no answer in time`
				: `in native code: ${describeKernelState(where)}`;
		case "process":
			return `${describeKernelState(where)}: ${where.command}${describeOthers(where.others)}`;
	}
}

/** So many of a process group are named in a line. */
const NAMED_OTHERS = 3;

function describeOthers(others: readonly ProcessInfo[]): string {
	const words = others.slice(0, NAMED_OTHERS).map(({ pid, command }) => `, ${pid} (${command})`);
	const more = others.length - NAMED_OTHERS;
	if (more > 0) words.push(`, and ${more} more`);
	return words.join("");
}

/** Internals of Node.js say little; who called them says it all. */
function isOfUser({ file }: Frame): boolean {
	return file !== "" && !file.startsWith("node:");
}

function describeKernelState({ state, call, waitsIn }: KernelState): string {
	const details = [call, waitsIn && `in the kernel's ${waitsIn}`].filter((detail) => detail !== undefined);
	return [STATES[state] ?? state, ...details].join(", ");
}
