/**
 * What tini prints: its messages, for which people search their logs, its help and its version. Messages that tini does
 * not have are our own.
 */
import { readFileSync } from "node:fs";
import { formatDuration } from "../base/time.ts";
import { readVersion } from "../base/versions.ts";
import { TO_GET_BINDING } from "../os/ffi/ffi.ts";
import type { WaitStatus } from "../os/ffi/libc.ts";
import type { ProcessInfo } from "../os/processes/processes.ts";
import { describeError, describeSignal } from "../os/signals/names.ts";
import type { Line, Message } from "./message.ts";
import type { Identity } from "./settings.ts";

const SIGCHLD = 17;

/** @param self What we are called in the middle of a sentence: `Tini`. */
export function tiniMessages(message: Message, self: string, warnOnReap: boolean): readonly Line[] {
	switch (message.type) {
		case "subreaper.registered":
			return [["trace", "Registered as child subreaper"]];
		case "subreaper.refused": {
			const text = "Failed to register as child subreaper: the kernel refuses prctl(PR_SET_CHILD_SUBREAPER)";
			return [[message.fatal ? "fatal" : "warn", text]];
		}
		case "parentDeathSignal.refused":
			return [["warn", "Failed to set up parent death signal: the kernel refuses prctl(PR_SET_PDEATHSIG)"]];
		case "orphans.unreachable":
			return [["warn", unreachable(self)]];
		case "binding.missing":
			return [["warn", missing(message.why)]];
		case "realTimeSignals.unheard":
			return [["warn", `Real-time signals are not passed on: ${message.why}`]];
		case "program.spawned":
			return [["info", `Spawned child process '${message.program}' with pid '${message.pid}'`]];
		case "program.failed":
			return [["fatal", `exec ${message.program} failed: ${describeError(message.errno)}`]];
		case "program.exited":
			return [["info", `Main child ${ending(message.status)}`]];
		case "program.killed":
			return [["warn", `Killed after ${formatDuration(message.waitedMs)}: ${inWords(message.late)}`]];
		case "signal.received":
			return message.number === SIGCHLD ? [["debug", "Received SIGCHLD"]] : [];
		case "signal.rewritten":
			return [["debug", `Rewriting signal: '${describeSignal(message.number)}' to '${describeSignal(message.to)}'`]];
		case "signal.dropped":
			return [["debug", `Dropping signal: '${describeSignal(message.number)}'`]];
		case "signal.forwarded":
			return [
				["debug", `Passing signal: '${describeSignal(message.number)}'`],
				["trace", "No child to reap"],
			];
		case "signal.undeliverable":
			return [["warn", "Child was dead when forwarding signal"]];
		case "process.reaped": {
			const { pid, isProgram } = message;
			const reaped: Line = ["debug", `Reaped child with pid: '${pid}'`];
			return isProgram || !warnOnReap ? [reaped] : [reaped, ["warn", `Reaped zombie process with pid=${pid}`]];
		}
		case "stragglers.ended": {
			const lines: Line[] = [["info", `Ended what was left: ${inWords(message.found)}`]];
			if (message.killed.length > 0)
				lines.push(["warn", `Killed, since it did not end when asked: ${inWords(message.killed)}`]);
			return lines;
		}
		case "init.failed":
			return [["fatal", message.error]];
		case "init.exiting":
			return [
				["trace", message.childrenLeft ? "No child to reap" : "No child to wait"],
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

/** Says what does not work without a binding, and what to do. */
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

/** The version whose behaviour the name tini promises. Docker parses it. */
const TINI_VERSION = "0.19.0";

export function tiniVersion({ style }: Identity): string {
	const own = `lastcall ${readVersion()}\n`;
	return style === "tini" ? `tini version ${TINI_VERSION} - ${own}` : own;
}

export function tiniUsage(identity: Identity): string {
	const { name } = identity;
	return `${name} (${tiniVersion(identity).trimEnd()})
Usage: ${name} [OPTIONS] PROGRAM -- [ARGS] | --version

Runs PROGRAM as the init of a container: passes signals on to it, reaps orphans,
ends with its exit code.

Command line options:

  --version: Print the version; works only as the sole argument.
  -h: Print this help.
  -s: Adopt and reap orphans without being PID 1 (as a child subreaper).
  -p SIGNAL: Receive SIGNAL when our parent dies, such as "-p SIGTERM".
  -v: Print more messages; up to three times.
  -w: Print a warning for each orphan that is reaped.
  -g: Send signals to the program's whole process group.
  -e EXIT_CODE: Turn this exit code (0 to 255) of the program into 0; repeatable.
  -l: Print the license.

  --stop-timeout DURATION: Kill the program if it still runs this long after SIGTERM
      or SIGINT, such as 8s. Choose less than the runtime's own timeout.
  --kill-stragglers: When the program has ended, end all other processes (SIGTERM,
      then SIGKILL) and wait for them.
  --rewrite S:R: Send signal number R for a received S; 0 to drop it; repeatable.
  --setsid: Start the program in a session of its own, and signal its whole group.
  --single-child: Start the program in our own process group, and signal it alone.
  --json: Print messages as JSON lines.

Environment variables:

  TINI_SUBREAPER, LASTCALL_SUBREAPER: As -s, when set.
  TINI_VERBOSITY, LASTCALL_VERBOSITY: 0 to 4 (default: 1); overrides -v.
  TINI_KILL_PROCESS_GROUP, LASTCALL_KILL_PROCESS_GROUP: As -g, when set.
  LASTCALL_STOP_TIMEOUT: As --stop-timeout.

`;
}

/** The text of LICENSE, put in by scripts/lib/bundle.ts: the single executable has no files. Absent when the sources run. */
declare const LASTCALL_LICENSE: string | undefined;

export function license(): string {
	if (typeof LASTCALL_LICENSE === "string") return LASTCALL_LICENSE;
	return readFileSync(new URL("../../LICENSE", import.meta.url), "utf8");
}
