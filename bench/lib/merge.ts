import type { Run } from "./result.ts";

/**
 * An earlier run with the results of a later one in the place of its own.
 *
 * @param order names of the measures
 */
export function mergeRuns(earlier: Run | undefined, later: Run, order: readonly string[]): Run {
	const measured = new Set(later.results.map(({ measure }) => measure));
	const kept = earlier?.results.filter(({ measure }) => !measured.has(measure));
	return {
		...later,
		versions: { ...earlier?.versions, ...later.versions },
		results: [...(kept ?? []), ...later.results].toSorted(
			(a, b) => order.indexOf(a.measure) - order.indexOf(b.measure),
		),
	};
}
