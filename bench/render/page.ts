/** docs/benchmarks.md and docs/comparison.md: prose by hand, and between marker comments what is made from the figures. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";
import type { Run } from "../lib/result.ts";
import { renderChart } from "./chart.ts";
import { renderComparisonParts } from "./comparison.ts";
import { type Faults, renderParts } from "./parts.ts";

const DOCS = join(root, "docs");
const PROSE = join(DOCS, "benchmarks.md");
const COMPARISON = join(DOCS, "comparison.md");

/** Writes benchmarks.md and benchmarks/*.svg into the directory, and comparison.md if that is docs; the prose stays as it is. */
export async function writePage(run: Run, directory: string): Promise<void> {
	const pictures = join(directory, "benchmarks");
	mkdirSync(pictures, { recursive: true });
	for (const result of run.results) writeFileSync(join(pictures, `${result.measure}.svg`), await renderChart(result));
	writeTables(run, directory);
}

/** The page without its pictures, which show nothing of the reliability figures. */
function writeTables(run: Run, directory: string): void {
	const page = join(directory, "benchmarks.md");
	const prose = readFileSync(existsSync(page) ? page : PROSE, "utf8");
	const faults = readFaults(directory);
	writeFileSync(page, refresh(prose, renderParts(run, faults)));
	if (directory !== DOCS) return;
	const compared = readFileSync(COMPARISON, "utf8");
	writeFileSync(COMPARISON, refresh(compared, renderComparisonParts(run, faults)));
}

/** What `npm run test:faults` has counted, if it has. */
export function readFaults(directory: string): Faults | undefined {
	const path = join(directory, "benchmarks/faults.json");
	return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/**
 * Puts each part between its markers: `<!-- figures: NAME -->` and `<!-- end -->`, a line each. What has no part stays.
 *
 * @throws if a part has no place on the page
 */
export function refresh(page: string, parts: ReadonlyMap<string, string>): string {
	const placed = new Set<string>();
	const refreshed = page.replaceAll(
		/^(<!-- figures: (\S+) -->)$.*?^(<!-- end -->)$/gms,
		(whole, begin: string, name: string, end: string) => {
			const part = parts.get(name);
			if (part === undefined) return whole;
			placed.add(name);
			return `${begin}\n${part}\n${end}`;
		},
	);
	const homeless = [...parts.keys()].filter((name) => !placed.has(name));
	if (homeless.length > 0)
		throw new Error(
			`Cannot place "${homeless.join('", "')}", expected a line "<!-- figures: ${homeless[0]} -->" on the page`,
		);
	return refreshed;
}

// `npm run test:faults` has counted anew.
if (import.meta.main) {
	const speed = readFileSync(join(DOCS, "benchmarks/speed.json"), "utf8");
	writeTables(JSON.parse(speed), DOCS);
}
