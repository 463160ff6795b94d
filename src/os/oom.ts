/** Whom the kernel ends first when memory runs out: proc_pid_oom_score_adj(5). */
import { readFileSync, writeFileSync } from "node:fs";
import { attempt } from "../errors.ts";
import { isOurProc } from "./processes.ts";

/** A tenth of the memory limit, or of the machine's memory where there is none. */
const HANDICAP = 100;
const MAX = 1_000;

/**
 * Makes a process look a tenth of the limit bigger than it is. The kernel ends the biggest, and among many small processes
 * that would be the init, and with it the container. Not more than that: an init that has itself grown out of all proportion is
 * not to be saved at the cost of every job. It takes no right, and the process may undo it. Best effort.
 */
export function preferForOom(pid: number): void {
	if (!isOurProc()) return;
	attempt(() => {
		const own = Number(readFileSync("/proc/self/oom_score_adj", "latin1"));
		const value = String(Math.min(own + HANDICAP, MAX));
		writeFileSync(`/proc/${pid}/oom_score_adj`, value);
	});
}
