/** The stop report for people: a timeline of the stop, and a summary of a run that failed. */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { attempt } from "../base/errors.ts";
import { formatDuration } from "../base/time.ts";
import { describeExit, isSuccess } from "../job/job.ts";
import type { Event, JobStop, StopReport } from "../supervisor/events.ts";
import { describeProcesses, describeReason, describeWhereabouts } from "./describe.ts";

/** Characters of a bar: at most, and the share of the line that it has at least. */
const BAR_MAX = 50;
const BAR_SHARE = 0.25;
/** Characters of the text beside it, at least. */
const TEXT_MIN = 20;
/** Kubernetes shows no more bytes of a termination message. */
const MESSAGE_MAX = 4096;

/** Draws one line for each job: when it was asked to stop and when it exited, on the scale of the stop timeout. */
export function drawTimeline({ jobs, jobsMs, budgetMs }: StopReport, columns: number): string[] {
	// In the order of the requests. Jobs that had exited before come first.
	const stops = jobs.toSorted((a, b) => (a.askedMs ?? -1) - (b.askedMs ?? -1));
	const legend = `┊ deadline ${formatDuration(jobsMs)}, │ stop timeout ${formatDuration(budgetMs)}`;
	const texts = stops.map(describeStop);
	const names = Math.max(...jobs.map(({ job }) => job.length), 0);
	const longest = Math.max(legend.length, ...texts.map((text) => text.length));
	const width = Math.min(Math.max(columns - names - longest - 3, Math.round(columns * BAR_SHARE)), BAR_MAX);
	const at = (ms: number) => Math.min(Math.round((ms / budgetMs) * width), width);

	function row(name: string, bar: string, text: string): string[] {
		const [first, ...rest] = wrap(text, Math.max(columns - names - width - 3, TEXT_MIN));
		return [`${name.padEnd(names)} ${bar} ${first}`, ...rest.map((part) => " ".repeat(names + width + 3) + part)];
	}

	const deadline = at(jobsMs);
	const scale = `${"0".padEnd(deadline)}┊${" ".repeat(Math.max(0, width - deadline - 1))}│`;
	const rows = stops.map((stop, index) => {
		const cells = Array.from({ length: width + 1 }, () => " ");
		cells[deadline] = "┊";
		cells[width] = "│";
		if (stop.askedMs !== undefined) {
			const end = at(stop.askedMs + stop.tookMs);
			cells.fill("━", at(stop.askedMs), end);
			cells[end] = stop.killed ? "✕" : "╸";
		}
		return row(stop.job, cells.join(""), texts[index] ?? "");
	});
	return [...row("", scale, legend), ...rows.flat()];
}

/** Breaks a text into lines, at blanks where it has some. */
function wrap(text: string, width: number): string[] {
	const lines: string[] = [];
	for (let rest = text; rest !== ""; ) {
		let end = rest.length;
		// A word that is longer than a line, such as a path, is cut.
		if (end > width) end = rest.lastIndexOf(" ", width) > 0 ? rest.lastIndexOf(" ", width) : width;
		lines.push(rest.slice(0, end));
		rest = rest.slice(end).trimStart();
	}
	return lines;
}

function describeStop({ exit, endedBefore, askedMs, tookMs, leftMs, killed }: JobStop): string {
	if (endedBefore) return `before: ${describeExit(exit)}`;
	if (askedMs === undefined) return `before it was asked: ${describeExit(exit)}`;
	if (killed) {
		const place = killed.where ? `: ${describeWhereabouts(killed.where)}` : "";
		return `killed after ${formatDuration(killed.waitedMs)}${place}`;
	}
	const left = leftMs === undefined ? "" : `, ${formatDuration(leftMs)} left`;
	return `${describeExit(exit)} after ${formatDuration(tookMs)}${left}`;
}

/** Describes in a few lines why the run failed, the most important first. */
export function summarizeFailure(report: StopReport): string {
	const { reason, jobs, stragglers, tookMs, budgetMs, exitCode } = report;
	const lines = [
		`Exit code ${exitCode}, stopped in ${formatDuration(tookMs)} of ${formatDuration(budgetMs)}: ${describeReason(reason)}`,
		...jobs
			.filter(({ exit, killed }) => killed || !isSuccess(exit))
			.map((stop) => `${stop.job}: ${describeStop(stop)}`),
	];
	if (stragglers.killed.length > 0) lines.push(`Killed stragglers: ${describeProcesses(stragglers.killed)}`);
	return `${lines.join("\n")}\n`;
}

/** Writes the summary of a failed run to the file that `kubectl describe pod` shows. Errors of the file are ignored. */
export function writeTerminationMessage(path: string): (event: Event) => void {
	return (event) => {
		if (event.type !== "stop.finished" || event.report.exitCode === 0) return;
		const bytes = Buffer.from(summarizeFailure(event.report)).subarray(0, MESSAGE_MAX);
		// Without O_CREAT: a missing file stays missing. O_NONBLOCK: a pipe at the path must not block the exit.
		const { O_WRONLY, O_TRUNC, O_NONBLOCK, O_NOCTTY } = constants;
		attempt(() => {
			const file = openSync(path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY);
			writeSync(file, bytes);
			closeSync(file);
		});
	};
}
