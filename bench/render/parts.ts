/** What of the page is made from figures, by name. */
import type { Aim, Result, Run } from "../lib/result.ts";
import { say } from "./numbers.ts";
import { markdownTable, renderTable } from "./table.ts";

/** Topic → what was done → what was counted: docs/benchmarks/faults.json. */
export type Faults = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number | string>>>>>>;

export function renderParts(run: Run | undefined, faults: Faults | undefined): ReadonlyMap<string, string> {
	const parts = new Map<string, string>();
	if (run) {
		parts.set("machine", machine(run));
		parts.set("aims", aims(run));
		for (const result of run.results) parts.set(result.measure, section(result));
	}
	if (faults) parts.set("faults", reliability(faults));
	return parts;
}

function machine({ date, machine, versions }: Run): string {
	const facts = Object.entries(machine).map(([what, is]) => `${what}: ${is}`);
	const contestants = new Set(Object.entries(versions).map(([name, is]) => `${productOf(name)} ${is}`));
	return `${date}. ${facts.join("; ")}.\n\n${[...contestants].join(", ")}.`;
}

/** "lastcall (run mode)" and "tini + node, by hand" are lastcall and tini. */
function productOf(contestant: string): string {
	return contestant.replace(/ \(.*| \+ .*|, .*| alone$/, "");
}

function aims({ results }: Run): string {
	const lines = results.flatMap(({ measure, aims }) =>
		aims.map((aim) => [`${measure}: ${aim.text}`, say(aim.found), say(aim.limit), verdict(aim)]),
	);
	return markdownTable(["aim", "found", "limit", "met"], lines);
}

function verdict({ found, limit, met }: Aim): string {
	if (met) return "yes";
	const part = Math.abs(found - limit) / Math.abs(limit);
	// Of a limit of nothing there are no parts.
	return Number.isFinite(part) ? `no, by ${say(part * 100)} %` : `no, by ${say(Math.abs(found - limit))}`;
}

function section(result: Result): string {
	const { measure, title, method, absent } = result;
	const missing = Object.entries(Object.groupBy(Object.entries(absent), ([, why]) => why)).map(
		([why, who = []]) => `${who.map(([name]) => name).join(", ")} (${why})`,
	);
	return [
		`![${title}](benchmarks/${measure}.svg)`,
		renderTable(result),
		method,
		...(missing.length > 0 ? [`Not here: ${missing.join("; ")}.`] : []),
	].join("\n\n");
}

/** More rows than that a reader opens who wants to see them. */
const UNFOLDED = 20;

function fold(rows: number, table: string): string {
	return `<details>\n<summary>${rows} rows</summary>\n\n${table}\n\n</details>`;
}

function reliability(faults: Faults): string {
	return Object.entries(faults)
		.map(([topic, rows]) => {
			const lines = Object.entries(rows).map(([what, figures]) => [
				what,
				Object.entries(figures)
					.map(([name, is]) => `${name}: ${typeof is === "number" ? say(is) : is}`)
					.join("; "),
			]);
			const title = topic.charAt(0).toUpperCase() + topic.slice(1);
			const table = markdownTable(["what", "counted"], lines, "---");
			return `### ${title}\n\n${lines.length > UNFOLDED ? fold(lines.length, table) : table}`;
		})
		.join("\n\n");
}
