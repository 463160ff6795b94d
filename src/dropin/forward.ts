/** Passes signals on to the program or its process group, and kills the program when its stop timeout has passed. */
import { attempt } from "../base/errors.ts";
import { monotonicMs } from "../base/time.ts";
import { livingDescendants } from "../os/processes/processes.ts";
import type { Print } from "./message.ts";
import type { Settings } from "./settings.ts";

const SIGKILL = 9;
/** SIGINT and SIGTERM ask every program to stop. Other signals mean what the program makes of them (SIGHUP: reload). */
const STOP_SIGNALS: readonly number[] = [2, 15];

/** @returns Whether the signal, or the one it is rewritten to, was sent. */
export function forward(received: number, pid: number, { rewrites, reach }: Settings, print: Print): boolean {
	const number = rewrites.get(received) ?? received;
	if (number !== received) print({ type: "signal.rewritten", number: received, to: number });
	if (number === 0) {
		print({ type: "signal.dropped", number: received });
		return false;
	}
	print({ type: "signal.forwarded", number });
	const sent = send(number, pid, reach);
	if (!sent) print({ type: "signal.undeliverable", number });
	return sent;
}

/** @returns `false` if the program is gone, or runs as a user whose processes we may not signal. */
function send(number: number, pid: number, reach: Settings["reach"]): boolean {
	return attempt(() => process.kill(reach === "group" ? -pid : pid, number)) ?? false;
}

export interface StopDeadline {
	/** Call it with every signal that is passed on. Only the first stop signal counts. */
	start(signal: number): void;
	cancel(): void;
	/** Milliseconds until the deadline; `undefined` if it was never started. */
	leftMs(): number | undefined;
}

/** `--stop-timeout`: SIGKILL for the program, early enough to report it before the runtime's own SIGKILL. */
export function createStopDeadline(pid: number, { stopTimeoutMs, reach }: Settings, print: Print): StopDeadline {
	let endsAt: number | undefined;
	let timer: NodeJS.Timeout | undefined;
	return {
		start(signal) {
			if (stopTimeoutMs === undefined || endsAt !== undefined || !STOP_SIGNALS.includes(signal)) return;
			endsAt = monotonicMs() + stopTimeoutMs;
			timer = setTimeout(() => {
				print({ type: "program.killed", waitedMs: stopTimeoutMs, late: livingDescendants(process.pid) });
				send(SIGKILL, pid, reach);
			}, stopTimeoutMs);
		},
		cancel: () => clearTimeout(timer),
		leftMs: () => (endsAt === undefined ? undefined : Math.max(0, endsAt - monotonicMs())),
	};
}
