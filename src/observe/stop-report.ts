/** The stop report for people: a timeline of the stop, and the summary of a run that failed. */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { attempt } from "../base/errors.ts";
import { formatDuration } from "../base/time.ts";
import { isSuccess } from "../job/job.ts";
import type { Event, JobStop, StopReport } from "../supervisor/events.ts";
import { describeWhereabouts, exitInWords, processesInWords, reasonInWords } from "./words.ts";

const BAR_MIN = 20;
const BAR_MAX = 50;
/** What the words beside a bar take at least. */
const WORDS = 36;

/**
 * One line for each job: when it was asked and when it was gone, within the budget.
 *
 * @param columns Width of the terminal.
 */
export function drawTimeline(report: StopReport, columns: number): string[] {
	const { jobs, jobsMs, budgetMs } = report;
	const names = Math.max(...jobs.map(({ job }) => job.length), 0);
	const width = Math.min(Math.max(columns - names - WORDS, BAR_MIN), BAR_MAX);
	const at = (ms: number) => Math.min(Math.round((ms / budgetMs) * width), width);
	const deadline = at(jobsMs);
	const lines = jobs.toSorted(byRequest).map((stop) => {
		const cells = Array.from({ length: width + 1 }, () => " ");
		cells[deadline] = "┊";
		cells[width] = "│";
		if (stop.askedMs !== undefined) {
			const end = at(stop.askedMs + stop.tookMs);
			cells.fill("━", at(stop.askedMs), end);
			cells[end] = stop.killed ? "✕" : "╸";
		}
		return `${stop.job.padEnd(names)} ${cells.join("")} ${tellStop(stop)}`;
	});
	const scale = `${" ".repeat(names)} ${"0".padEnd(deadline)}┊${" ".repeat(Math.max(0, width - deadline - 1))}│ ┊ deadline ${formatDuration(jobsMs)}, │ stop timeout ${formatDuration(budgetMs)}`;
	return [scale, ...lines];
}

/** Who was asked first stands first; who had ended before, at the top. */
function byRequest(a: JobStop, b: JobStop): number {
	return (a.askedMs ?? -1) - (b.askedMs ?? -1);
}

function tellStop({ exit, endedBefore, askedMs, tookMs, leftMs, killed }: JobStop): string {
	if (endedBefore) return `before: ${exitInWords(exit)}`;
	if (askedMs === undefined) return `before it was asked: ${exitInWords(exit)}`;
	if (killed) return tellKill(killed);
	const left = leftMs === undefined ? "" : `, ${formatDuration(leftMs)} left`;
	return `${exitInWords(exit)} after ${formatDuration(tookMs)}${left}`;
}

function tellKill({ waitedMs, where }: NonNullable<JobStop["killed"]>): string {
	const place = where ? `: ${describeWhereabouts(where)}` : "";
	return `killed after ${formatDuration(waitedMs)}${place}`;
}

/** Why the run failed, in a few lines, the most important first. */
export function summarizeFailure(report: StopReport): string {
	const { reason, jobs, stragglers, tookMs, budgetMs, exitCode } = report;
	const lines = [
		`Exit code ${exitCode}, stopped in ${formatDuration(tookMs)} of ${formatDuration(budgetMs)}: ${reasonInWords(reason)}`,
		...jobs.filter(({ exit, killed }) => killed || !isSuccess(exit)).map((stop) => `${stop.job}: ${tellStop(stop)}`),
	];
	if (stragglers.killed.length > 0) lines.push(`Killed stragglers: ${processesInWords(stragglers.killed)}`);
	return `${lines.join("\n")}\n`;
}

// ==== from termination-message.ts

/** The file that `kubectl describe pod` shows after a container has failed. */

/** Kubernetes shows no more. */
const MAX_BYTES = 4096;

/** Writes the summary of a run that failed into a file that is there; whether that works is not worth a failure of its own. */
export function writeTerminationMessage(path: string): (event: Event) => void {
	return (event) => {
		if (event.type !== "stop.finished" || event.report.exitCode === 0) return;
		const bytes = Buffer.from(summarizeFailure(event.report));
		attempt(() => {
			// Not made if it is missing; and whatever lies there must not block us.
			const { O_WRONLY, O_TRUNC, O_NONBLOCK, O_NOCTTY } = constants;
			const file = openSync(path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY);
			writeSync(file, bytes.subarray(0, MAX_BYTES));
			closeSync(file);
		});
	};
}
