/** Ends the program at its stop timeout if the stop has not finished, and names the jobs that it was waiting for. */
import { formatDuration, monotonicMs } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import { type Guard, guard } from "../os/signals/guard.ts";
import type { Emit } from "../supervisor/events.ts";
import { EXIT_KILLED } from "./exit-code.ts";

/** The message names at most this many jobs. */
const NAMED = 10;
/** The guard is made this long after the start, so that neither the start nor the stop has to wait for it. */
const PREPARE_MS = 1_000;
/**
 * The guard exits this long after the stop timeout, outside PID 1: there the remaining processes of the jobs do not end
 * with lastcall, and mostly nobody kills lastcall at the stop timeout. So the guard leaves time for the SIGKILL of jobs
 * and stragglers, even on a busy machine.
 */
const EXTRA_MS = 2_000;

/** @returns A listener for the events of the program. */
export function guardStop(budget: Budget): Emit {
	const reserveMs = budget.totalMs - budget.jobsMs;
	// As PID 1 the guard exits just before the platform's SIGKILL.
	const extraMs = process.pid === 1 ? -budget.exitMs : EXTRA_MS;
	const running = new Set<string>();
	let armed: Guard | undefined;
	let endAt = Number.POSITIVE_INFINITY;
	let code = EXIT_KILLED;
	setTimeout(guard, PREPARE_MS).unref();

	/** @param ms From now to the end of the stop timeout, which can only come nearer. */
	function arm(ms: number): void {
		const now = monotonicMs();
		endAt = Math.min(endAt, now + ms);
		armed = guard();
		armed?.say(message(), code);
		// After a freeze of the container beyond that moment the process has most of the reserve once more.
		armed?.arm(endAt - now + extraMs, undefined, reserveMs);
	}

	function message(): string {
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
		armed?.say(message(), code);
	};
}
