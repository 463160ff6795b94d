/** `--stop-timeout`: SIGKILL for a program that has not ended in time, before the runtime's own takes our report with it. */
import { monotonicMs } from "../clock.ts";
import { livingDescendants } from "../os/processes.ts";
import { send } from "./forward.ts";
import type { Tell } from "./notice.ts";
import type { Settings } from "./settings.ts";

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

export function createStopDeadline(
	pid: number,
	{ stopTimeoutMs, reach }: Settings,
	tell: Tell,
): StopDeadline {
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
