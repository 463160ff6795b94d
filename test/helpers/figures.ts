/** What the tests of test/faults have counted: said by each test, and kept when they run at full length. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

const KEPT = join(import.meta.dirname, "../../docs/benchmarks/faults.json");

/** `npm run test:faults`; `npm test` has the shorter form. */
export const FULL = process.env.LASTCALL_FAULTS === "full";

/** Numbers by what they count, with the unit in the name: `{ "items lost": 0, "slope, KiB per minute": 1.5 }`. */
export type Figures = Readonly<Record<string, number | string>>;

/**
 * Says the figures of a test; at full length also keeps them, in the place of an earlier run's.
 *
 * @param topic the group they belong to: "no work is lost", "storms", "bad input", "soak"
 * @param what names the row: what happened, for instance "100 docker stop/start cycles, thread consumers"
 */
export function keepFigures(test: TestContext, topic: string, what: string, figures: Figures): void {
	test.diagnostic(`${topic}: ${what}: ${JSON.stringify(figures)}`);
	if (!FULL) return;
	const all = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, "utf8")) : {};
	all[topic] = { ...all[topic], [what]: figures };
	mkdirSync(dirname(KEPT), { recursive: true });
	writeFileSync(KEPT, `${JSON.stringify(all, null, "\t")}\n`);
}
