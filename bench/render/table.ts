/** A result as Markdown tables. */
import type { Result, Row } from "../lib/result.ts";
import { say } from "./numbers.ts";

/** A column "X (max)" has no place of its own: its figures stand in brackets behind those of column "X". */
const MAX = " (max)";

/** Sizes of a service, as the measure of stops has them: threads and processes get a table each. */
const SIZE = /^(?:\d+|ms per) (thread|process)/;

export function renderTable({ rows }: Result): string {
	const columns = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))];
	const shown = columns.filter((column) => !column.endsWith(MAX));
	const kinds = [...new Set(shown.map((column) => SIZE.exec(column)?.[1]))];
	const kindsOfSize = kinds.filter((kind) => kind !== undefined);
	if (kindsOfSize.length === 0) return tableOf(rows, shown);
	return kindsOfSize
		.map((kind) => {
			const isOf = (column: string) => SIZE.exec(column)?.[1] === kind;
			const taking = rows.filter(({ values }) => Object.keys(values).some(isOf));
			return tableOf(
				taking,
				shown.filter((column) => !SIZE.test(column) || isOf(column)),
			);
		})
		.join("\n\n");
}

function tableOf(rows: readonly Row[], columns: readonly string[]): string {
	const lines = rows.map(({ contestant, values }) => [contestant, ...columns.map((column) => cell(values, column))]);
	return markdownTable(["", ...columns], lines);
}

function cell(values: Row["values"], column: string): string {
	const max = values[column + MAX];
	const text = say(values[column]);
	return max === undefined ? text : `${text} (${say(max)})`;
}

/** Columns of figures stand to the right. */
export function markdownTable(
	[first = "", ...head]: readonly string[],
	lines: readonly (readonly string[])[],
	align: "---:" | "---" = "---:",
): string {
	const rows = [[first, ...head], ["---", ...head.map(() => align)], ...lines];
	return rows.map((cells) => `| ${cells.map(escapeCell).join(" | ")} |`).join("\n");
}

function escapeCell(text: string): string {
	return text.replaceAll("|", "\\|");
}
