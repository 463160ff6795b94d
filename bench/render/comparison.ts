/** The measured part of docs/comparison.md. Its figures are those of docs/benchmarks.md. */
import type { Result, Row, Run } from "../lib/result.ts";
import { EMPTY } from "../measures/whole.ts";
import { say } from "./numbers.ts";
import type { Faults } from "./parts.ts";
import { markdownTable } from "./table.ts";

/** How the measure of memory names the row of a contestant that runs one program. */
const ONE_PROGRAM = ": one program";

/** What a contestant without threads of its own is measured with. */
const BY_HAND = " + node, by hand";

const LOST_WORK = "no work is lost";
/** In docker run, side by side. */
const LOST_WORK_ROWS = [
	"lastcall: two threads and two processes",
	"tini, one process with a handler",
	"tini, no handler",
	"tini and a shell, two processes with handlers",
	"node as PID 1, no handler",
];
const LOST_WORK_COLUMNS = ["stops", "items", "items left behind", "items done twice"];

/** What of docs/comparison.md is made from figures, by name. */
export function renderComparisonParts(run: Run, faults: Faults | undefined): ReadonlyMap<string, string> {
	return new Map([["compared", `${compare(run)}\n\n${compareLostWork(faults)}`]]);
}

function compare({ results }: Run): string {
	const figure = (measure: string, contestant: string, column: string) =>
		rowOf(results, measure, contestant)?.values[column];
	const contestants = rowsOf(results, "memory")
		.map(({ contestant }) => contestant)
		.filter((name) => name.endsWith(ONE_PROGRAM))
		.map((name) => name.slice(0, -ONE_PROGRAM.length));
	const lines = contestants.map((name) => [
		name,
		say(figure("start", name, "× node empty.js")),
		say(figure("whole", name, `× ${EMPTY}`)),
		say(figure("memory", name + ONE_PROGRAM, "private dirty, MB")),
		say(figure("stop", name, "2 threads") ?? figure("stop", name + BY_HAND, "2 threads")),
		say(figure("reap", name, "orphans per second")),
	]);
	const head = [
		"measured",
		"start of a program, × an empty Node.js script",
		"start and end of it, ×",
		"private memory, MB",
		"stop of two idle threads, ms",
		"orphans reaped per second",
	];
	const note =
		"Measured with one program, and with a service of two threads (tini, supervisord, s6 and pm2-runtime run a hand-written main).";
	return `${markdownTable(head, lines)}\n\n${note} Each column comes from [one run](benchmarks.md); that page also says which aims were missed.`;
}

function compareLostWork(faults: Faults = {}): string {
	const lines = LOST_WORK_ROWS.map((what) => [
		what,
		...LOST_WORK_COLUMNS.map((column) => say(Number(faults[LOST_WORK]?.[what]?.[column]))),
	]);
	return markdownTable(["consumers of a busy queue", ...LOST_WORK_COLUMNS], lines);
}

function rowsOf(results: readonly Result[], measure: string): readonly Row[] {
	return results.find((result) => result.measure === measure)?.rows ?? [];
}

function rowOf(results: readonly Result[], measure: string, contestant: string): Row | undefined {
	return rowsOf(results, measure).find((row) => row.contestant === contestant);
}
