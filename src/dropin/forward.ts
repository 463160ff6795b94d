/** Passes signals on: rewritten, dropped, to the program or to its whole group. */
import { monotonicMs } from "../base/time.ts";
import { livingDescendants } from "../os/processes/processes.ts";
import type { Tell } from "./notice.ts";
import type { Settings } from "./settings.ts";

/** @returns Whether it was sent on, as whatever signal. */
export function forward(received: number, pid: number, { rewrites, reach }: Settings, tell: Tell): boolean {
	const number = rewrites.get(received) ?? received;
	if (number !== received) tell({ type: "signal.rewritten", number: received, to: number });
	if (number === 0) {
		tell({ type: "signal.dropped", number: received });
		return false;
	}
	tell({ type: "signal.forwarded", number });
	if (send(reach === "group" ? -pid : pid, number)) return true;
	tell({ type: "signal.undeliverable", number });
	return false;
}

/** @returns `false` if nobody is there, or who is there has become another user's. */
export function send(target: number, number: number): boolean {
	try {
		return process.kill(target, number);
	} catch {
		return false;
	}
}

// ==== from stop-deadline.ts

/** `--stop-timeout`: SIGKILL for a program that has not ended in time, before the runtime's own takes our report with it. */

const SIGKILL = 9;
/** What asks a program to stop. Others are for the program to understand (SIGHUP: reload; SIGQUIT: a dump). */
const STOP_SIGNALS: ReadonlySet<number> = new Set([2, 15]);

export interface StopDeadline {
	/** To be told of every signal that has come. */
	start(signal: number): void;
	cancel(): void;
	/** Milliseconds that are left of it; `undefined` if it was never started. */
	leftMs(): number | undefined;
}

export function createStopDeadline(pid: number, { stopTimeoutMs, reach }: Settings, tell: Tell): StopDeadline {
	let startedAt: number | undefined;
	let timer: NodeJS.Timeout | undefined;
	return {
		start(signal) {
			if (stopTimeoutMs === undefined || startedAt !== undefined) return;
			if (!STOP_SIGNALS.has(signal)) return;
			startedAt = monotonicMs();
			timer = setTimeout(() => {
				const late = livingDescendants(process.pid);
				tell({ type: "program.killed", waitedMs: stopTimeoutMs, late });
				send(reach === "group" ? -pid : pid, SIGKILL);
			}, stopTimeoutMs);
		},
		cancel: () => clearTimeout(timer),
		leftMs: () =>
			stopTimeoutMs !== undefined && startedAt !== undefined
				? Math.max(0, startedAt + stopTimeoutMs - monotonicMs())
				: undefined,
	};
}
