/** Notices in dumb-init's words: all of them for who debugs, but the failure to start the program. */
import { describeError } from "../os/texts.ts";
import type { Line, Notice, Status } from "./notice.ts";
import { missing } from "./tini-words.ts";

export function dumbInitWords(
	notice: Notice,
	setsid: boolean,
): readonly Line[] {
	switch (notice.type) {
		case "program.spawned":
			return debug(
				`Child spawned with PID ${notice.pid}.`,
				...(setsid ? ["setsid complete."] : []),
			);
		case "program.failed":
			return [["fatal", `${notice.program}: ${describeError(notice.errno)}`]];
		case "program.exited":
			return debug(
				`Child exited with status ${exitStatus(notice.status)}. Goodbye.`,
			);
		case "signal.received":
			return debug(`Received signal ${notice.number}.`);
		case "signal.rewritten":
			return debug(`Translating signal ${notice.number} to ${notice.to}.`);
		case "signal.dropped":
			return debug(
				`Not forwarding signal ${notice.number} to children (ignored).`,
			);
		case "signal.handedOff":
			return debug(`Ignoring tty hand-off signal ${notice.number}.`);
		case "signal.forwarded":
			return debug(`Forwarded signal ${notice.number} to children.`);
		case "process.reaped": {
			const { pid, status } = notice;
			return debug(
				status.signal === undefined
					? `A child with PID ${pid} exited with exit status ${status.code}.`
					: `A child with PID ${pid} was terminated by signal ${status.signal}.`,
			);
		}
		case "binding.missing":
			return [["warn", missing(notice.why)]];
		case "init.suspended":
			return debug("Suspending self due to TTY signal.");
		case "init.failed":
			return [["fatal", notice.error]];
		default:
			return [];
	}
}

function debug(...texts: string[]): readonly Line[] {
	return texts.map((text) => ["debug", text]);
}

function exitStatus({ code = 0, signal }: Status): number {
	return signal === undefined ? code : 128 + signal;
}
