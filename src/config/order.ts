/** The order in which jobs start. They stop in the opposite one. */

/** Names of the jobs that each job depends on. Every name that occurs is a key. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * Groups jobs by the longest way to one that depends on nothing: each depends only on jobs of waves before its own.
 *
 * Pass no cycles: see {@link findCycle}.
 */
export function orderInWaves(dependencies: Dependencies): string[][] {
	const depths = new Map<string, number>();
	const depthOf = (name: string): number => {
		const known = depths.get(name);
		if (known !== undefined) return known;
		const below = (dependencies.get(name) ?? []).map(depthOf);
		const depth = Math.max(-1, ...below) + 1;
		depths.set(name, depth);
		return depth;
	};
	const waves: string[][] = [];
	for (const name of dependencies.keys()) {
		const depth = depthOf(name);
		waves[depth] ??= [];
		waves[depth].push(name);
	}
	return waves;
}

/** The first cycle as a way back to its start, such as `["a", "b", "a"]`; `undefined` if there is none. */
export function findCycle(dependencies: Dependencies): string[] | undefined {
	const done = new Set<string>();
	const path: string[] = [];
	const visit = (name: string): string[] | undefined => {
		if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
		if (done.has(name)) return undefined;
		path.push(name);
		for (const next of dependencies.get(name) ?? []) {
			const cycle = visit(next);
			if (cycle) return cycle;
		}
		path.pop();
		done.add(name);
		return undefined;
	};
	for (const name of dependencies.keys()) {
		const cycle = visit(name);
		if (cycle) return cycle;
	}
	return undefined;
}
