/** Ends the program at its stop timeout if the stop has not finished, and names the jobs that it was waiting for. */
import { formatDuration, monotonicMs } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import { type Guard, guard } from "../os/signals/guard.ts";
import type { Emit } from "../supervisor/events.ts";
import { EXIT_KILLED } from "./exit-code.ts";

/** The message names at most this many jobs. */
const NAMED = 10;
const PREPARE_MS = 1_000;
/**
 * Outside PID 1 the remaining processes of the jobs do not end with lastcall, and mostly nobody kills lastcall at the
 * stop timeout. So the guard leaves time for the SIGKILL of jobs and stragglers, even on a busy machine.
 */
const GRACE_MS = 2_000;

/** @returns A listener for the events of the program. */
export function guardStop(budget: Budget): Emit {
	const reserveMs = budget.totalMs - budget.jobsMs;
	const graceMs = process.pid === 1 ? -budget.exitMs : GRACE_MS;
	const running = new Set<string>();
	let armed: Guard | undefined;
	let endAt = Number.POSITIVE_INFINITY;
	let code = EXIT_KILLED;
	// The guard is made ahead of time, so that the stop need not wait for it.
	setTimeout(guard, PREPARE_MS).unref();

	/** @param ms From now to the end of the stop timeout, which can only come nearer. */
	function arm(ms: number): void {
		const now = monotonicMs();
		endAt = Math.min(endAt, now + ms);
		armed = guard();
		armed?.say(words(), code);
		// After a freeze beyond the deadline the process has the reserve once more.
		armed?.arm(endAt - now + graceMs, undefined, reserveMs);
	}

	function words(): string {
		const names = [...running].slice(0, NAMED).join(", ");
		const more = running.size > NAMED ? ` and ${running.size - NAMED} more` : "";
		const late = names && `, still waiting for ${names}${more}`;
		return `lastcall: The stop timeout of ${formatDuration(budget.totalMs)} is over${late}; exit code ${code}`;
	}

	return (event) => {
		if (event.type === "job.started") running.add(event.job);
		else if (event.type === "job.exited") running.delete(event.job);
		else if (event.type === "stop.requested") return arm(budget.totalMs);
		else if (event.type === "stop.hurried") return arm(reserveMs);
		else if (event.type === "stop.finished") {
			running.clear();
			code = event.report.exitCode;
		} else return;
		armed?.say(words(), code);
	};
}
