/** The report for a terminal, and as annotations for GitHub Actions. */
import { styleText } from "node:util";
import { plain } from "../base/errors.ts";
import { formatDuration } from "../base/time.ts";
import { PLATFORMS, type Report } from "./report.ts";
import { countCodes, type Verdict } from "./verdicts.ts";

const BAR_MAX = 60;
const LABEL = 6;
const SIGNS = { error: "✕", warning: "!", note: "·", ok: "✓" } as const;
const COLOURS = { error: "red", warning: "yellow", note: "cyan", ok: "green" } as const;
const COMMANDS = { error: "error", warning: "warning", note: "notice", ok: "notice" } as const;

export function renderText(report: Report, columns: number): string {
	const { runs, subject, signal, how, limits, seed, withinMs, verdicts } = report;
	const head = `${runs.length} ${runs.length === 1 ? "run" : "runs"} of ${subject} ${how}; ${signal} within ${formatDuration(withinMs)} after the start (--seed ${seed})`;
	return [
		...wrap(plain(head), columns, ""),
		...limits.flatMap((limit) => wrap(`Not shown: ${limit}`, columns, "  ")),
		"",
		...drawStops(report, columns),
		...wrap(`${"".padEnd(LABEL)} ${countCodes(runs)}`, columns, ""),
		"",
		...verdicts.flatMap((verdict) => renderVerdict(verdict, columns)),
		"",
	].join("\n");
}

function renderVerdict({ level, finding, remedy }: Verdict, columns: number): string[] {
	const [first = "", ...rest] = wrap(`${SIGNS[level]} ${plain(finding)}`, columns, "  ");
	const sign = styleText(COLOURS[level], first.charAt(0));
	const remedies = remedy === undefined ? [] : wrap(`  → ${plain(remedy)}`, columns, "    ");
	return [sign + first.slice(1), ...rest, ...remedies];
}

/** Draws a bar for each figure, with marks for the budgets. */
function drawStops({ p50Ms, p99Ms, worstMs, stopTimeout, runs }: Report, columns: number): string[] {
	const budgets = budgetsOf(stopTimeout.ms);
	const scale = Math.max(...budgets.map(({ ms }) => ms));
	const width = Math.max(Math.min(columns - LABEL - 12, BAR_MAX), 10);
	const at = (ms: number) => Math.min(Math.round((ms / scale) * width), width);
	const isLate = runs.some(({ outcome }) => outcome === "late");
	const bar = (name: string, ms: number) => {
		const cells = Array.from({ length: width + 1 }, () => " ");
		for (const { ms: budget } of budgets) cells[at(budget)] = "┊";
		cells[at(stopTimeout.ms)] = "│";
		cells.fill("━", 0, at(ms));
		cells[at(ms)] = isLate && ms >= stopTimeout.ms ? "✕" : "╸";
		return `${name.padEnd(LABEL)} ${cells.join("")} ${formatDuration(ms)}`;
	};
	const legend = budgets.map(({ name, ms }) => `${ms === stopTimeout.ms ? "│" : "┊"} ${name} ${formatDuration(ms)}`);
	return [
		bar("p50", p50Ms),
		bar("p99", p99Ms),
		bar("worst", worstMs),
		...wrap(`${"".padEnd(LABEL)} ${legend.join("  ")}`, columns, "".padEnd(LABEL + 1)),
	];
}

/** The budgets of the platforms, and the given one if it differs from them, the shortest first. */
export function budgetsOf(ms: number): { readonly name: string; readonly ms: number }[] {
	const own = PLATFORMS.some((platform) => platform.ms === ms) ? [] : [{ name: "stop timeout", ms }];
	return [...PLATFORMS, ...own].sort((a, b) => a.ms - b.ms);
}

/** Workflow commands of GitHub Actions, which shows them on the page of the run. */
export function renderAnnotations({ subject, verdicts }: Report): string {
	const encode = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
	return verdicts
		.map(({ level, finding, remedy }) => {
			const title = encode(`The stop of ${plain(subject)}`)
				.replaceAll(":", "%3A")
				.replaceAll(",", "%2C");
			return `::${COMMANDS[level]} title=${title}::${encode(remedy === undefined ? finding : `${finding}\n${remedy}`)}\n`;
		})
		.join("");
}

function wrap(text: string, columns: number, indent: string): string[] {
	const lines: string[] = [];
	for (let rest = text; rest !== ""; ) {
		const room = columns - (lines.length === 0 ? 0 : indent.length);
		const blank = rest.length > room ? rest.lastIndexOf(" ", room) : rest.length;
		const end = blank > indent.length ? blank : room;
		lines.push((lines.length === 0 ? "" : indent) + rest.slice(0, end));
		rest = rest.slice(end).trimStart();
	}
	return lines;
}
