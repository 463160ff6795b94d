/** The order in which jobs start. They stop in the opposite order. */

/** The names of the jobs that each job depends on. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * Groups jobs without a cycle into waves: each job depends only on jobs of earlier waves, and is in the earliest wave
 * possible.
 */
export function orderInWaves(dependencies: Dependencies): string[][] {
	const depths = new Map<string, number>();
	for (const [step, name] of walk(dependencies)) {
		if (step !== "leave") continue;
		let depth = 0;
		for (const dependency of dependencies.get(name) ?? []) depth = Math.max(depth, (depths.get(dependency) ?? -1) + 1);
		depths.set(name, depth);
	}
	const waves = Map.groupBy(dependencies.keys(), (name) => depths.get(name) ?? 0);
	return [...waves].sort(([a], [b]) => a - b).map(([, names]) => names);
}

/** Finds the first cycle: the way from a job back to itself, such as `["a", "b", "a"]`. */
export function findCycle(dependencies: Dependencies): string[] | undefined {
	const path = new Set<string>();
	for (const [step, name] of walk(dependencies)) {
		if (step === "enter") path.add(name);
		else if (step === "leave") path.delete(name);
		else if (path.has(name)) {
			const names = [...path];
			return [...names.slice(names.indexOf(name)), name];
		}
	}
	return undefined;
}

/**
 * Walks depth first: enters each job once, then its dependencies, then leaves it. `meet` is a job that was entered
 * before, and perhaps not left yet. No recursion: a chain of jobs may be longer than the stack is deep.
 */
function* walk(dependencies: Dependencies): Generator<[step: "enter" | "meet" | "leave", name: string]> {
	const entered = new Set<string>();
	const open: { name?: string; rest: Iterator<string> }[] = [{ rest: dependencies.keys() }];
	for (let top = open.at(-1); top; top = open.at(-1)) {
		const { value: name, done } = top.rest.next();
		if (done) {
			open.pop();
			if (top.name !== undefined) yield ["leave", top.name];
		} else if (entered.has(name)) yield ["meet", name];
		else {
			entered.add(name);
			yield ["enter", name];
			open.push({ name, rest: (dependencies.get(name) ?? []).values() });
		}
	}
}
