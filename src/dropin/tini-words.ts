/** Notices in tini's words, which people search their logs for. Where tini has no words, they are ours. */
import { formatDuration } from "../base/time.ts";
import { TO_GET_BINDING } from "../os/ffi/ffi.ts";
import type { WaitStatus } from "../os/ffi/libc.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import { describeError, describeSignal } from "../os/signals/names.ts";
import type { Line, Notice } from "./notice.ts";

const SIGCHLD = 17;

/** @param self What we are called in the middle of a sentence: `Tini`. */
export function tiniWords(notice: Notice, self: string, warnOnReap: boolean): readonly Line[] {
	switch (notice.type) {
		case "subreaper.registered":
			return [["trace", "Registered as child subreaper"]];
		case "subreaper.refused": {
			const text = "Failed to register as child subreaper: the kernel refuses prctl(PR_SET_CHILD_SUBREAPER)";
			return [[notice.fatal ? "fatal" : "warn", text]];
		}
		case "parentDeathSignal.refused":
			return [["warn", "Failed to set up parent death signal: the kernel refuses prctl(PR_SET_PDEATHSIG)"]];
		case "orphans.unreachable":
			return [["warn", unreachable(self)]];
		case "binding.missing":
			return [["warn", missing(notice.why)]];
		case "realTimeSignals.unheard":
			return [["warn", `Real-time signals are not passed on: ${notice.why}`]];
		case "program.spawned":
			return [["info", `Spawned child process '${notice.program}' with pid '${notice.pid}'`]];
		case "program.failed":
			return [["fatal", `exec ${notice.program} failed: ${describeError(notice.errno)}`]];
		case "program.exited":
			return [["info", `Main child ${ending(notice.status)}`]];
		case "program.killed":
			return [["warn", `Killed after ${formatDuration(notice.waitedMs)}: ${inWords(notice.late)}`]];
		case "signal.received":
			return notice.number === SIGCHLD ? [["debug", "Received SIGCHLD"]] : [];
		case "signal.rewritten":
			return [["debug", `Rewriting signal: '${describeSignal(notice.number)}' to '${describeSignal(notice.to)}'`]];
		case "signal.dropped":
			return [["debug", `Dropping signal: '${describeSignal(notice.number)}'`]];
		case "signal.forwarded":
			return [
				["debug", `Passing signal: '${describeSignal(notice.number)}'`],
				["trace", "No child to reap"],
			];
		case "signal.undeliverable":
			return [["warn", "Child was dead when forwarding signal"]];
		case "process.reaped": {
			const { pid, isProgram } = notice;
			const reaped: Line = ["debug", `Reaped child with pid: '${pid}'`];
			return isProgram || !warnOnReap ? [reaped] : [reaped, ["warn", `Reaped zombie process with pid=${pid}`]];
		}
		case "stragglers.ended": {
			const lines: Line[] = [["info", `Ended what was left: ${inWords(notice.found)}`]];
			if (notice.killed.length > 0)
				lines.push(["warn", `Killed, since it did not end when asked: ${inWords(notice.killed)}`]);
			return lines;
		}
		case "init.failed":
			return [["fatal", notice.error]];
		case "init.exiting":
			return [
				["trace", notice.childrenLeft ? "No child to reap" : "No child to wait"],
				["trace", "Exiting: child has exited"],
			];
		case "signal.handedOff":
		case "init.suspended":
			return [];
	}
}

function unreachable(self: string): string {
	const prefix = self === "Tini" ? "TINI" : "LASTCALL";
	return `${self} is not running as PID 1 and isn't registered as a child subreaper.
Zombie processes will not be re-parented to ${self}, so zombie reaping won't work.
To fix the problem, use the -s option or set the environment variable ${prefix}_SUBREAPER to register ${self} as a child subreaper, or run ${self} as PID 1.`;
}

/** What does not work without a binding, and what to do. */
export function missing(why: readonly string[]): string {
	return `Neither node:ffi nor koffi loads (${why.join("; ")}). So no orphan is reaped, -s and -p do nothing, and the program has no process group, terminal or real-time signals of its own. To fix the problem, ${TO_GET_BINDING}.`;
}

function ending({ code, signal }: WaitStatus): string {
	return signal === undefined
		? `exited normally (with status '${code}')`
		: `exited with signal (with signal '${describeSignal(signal)}')`;
}

/** `4711 (sleep 60), 4712 (cat)`. */
function inWords(processes: readonly ProcessInfo[]): string {
	return processes.map(({ pid, command }) => `${pid} (${command})`).join(", ");
}
