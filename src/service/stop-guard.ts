/** Ends the program at its stop timeout, and says what it was waiting for, when its own stop has not come to an end: os/signals/guard.ts. */
import { formatDuration, monotonicMs } from "../base/time.ts";
import type { Budget } from "../config/stop-timeout.ts";
import { type Guard, guard } from "../os/signals/guard.ts";
import type { Emit } from "../supervisor/events.ts";
import { EXIT_KILLED } from "./exit-code.ts";

/** So many jobs are named. */
const NAMED = 10;
const PREPARE_MS = 1_000;
/**
 * Outside PID 1 what is left of the jobs does not end with us, and mostly nobody kills us at the stop timeout. So the guard leaves time for
 * the SIGKILL of jobs and stragglers, also on a busy machine.
 */
const GRACE_MS = 2_000;

/** Listens to the events of one program. */
export function guardStop(budget: Budget): Emit {
	const graceMs = process.pid === 1 ? -budget.exitMs : GRACE_MS;
	const running = new Set<string>();
	// Made while there is nothing to do: the stop need not wait for it.
	setTimeout(guard, PREPARE_MS).unref();
	let armed: Guard | undefined;
	let endAt = Number.POSITIVE_INFINITY;
	let code = EXIT_KILLED;

	/** @param ms From now to the end of the stop timeout, unless that is nearer already. */
	function arm(ms: number): void {
		const now = monotonicMs();
		endAt = Math.min(endAt, now + ms);
		armed = guard();
		armed?.say(words(), code);
		// After a freeze beyond the deadline the reserve is there once more.
		armed?.arm(endAt - now + graceMs, undefined, budget.totalMs - budget.jobsMs);
	}

	function words(): string {
		const names = [...running].slice(0, NAMED).join(", ");
		const more = running.size > NAMED ? ` and ${running.size - NAMED} more` : "";
		const late = names && `, still waiting for ${names}${more}`;
		return `lastcall: The stop timeout of ${formatDuration(budget.totalMs)} is over${late}; exit code ${code}`;
	}

	return (event) => {
		switch (event.type) {
			case "job.started":
				running.add(event.job);
				break;
			case "job.exited":
				running.delete(event.job);
				break;
			case "stop.requested":
				arm(budget.totalMs);
				break;
			case "stop.hurried":
				arm(budget.totalMs - budget.jobsMs);
				break;
			case "stop.finished":
				running.clear();
				code = event.report.exitCode;
				break;
			default:
				return;
		}
		armed?.say(words(), code);
	};
}
