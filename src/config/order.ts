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
	const waves: string[][] = [];
	walk(dependencies, {
		leave(name) {
			const below = (dependencies.get(name) ?? []).map((dependency) => depths.get(dependency) ?? -1);
			depths.set(name, below.reduce((a, b) => Math.max(a, b), -1) + 1);
		},
	});
	for (const name of dependencies.keys()) {
		const depth = depths.get(name) ?? 0;
		waves[depth] ??= [];
		waves[depth].push(name);
	}
	return waves;
}

/** The first cycle as a way back to its start, such as `["a", "b", "a"]`; `undefined` if there is none. */
export function findCycle(dependencies: Dependencies): string[] | undefined {
	const path = new Set<string>();
	let cycle: string[] | undefined;
	walk(dependencies, {
		enter: (name) => void path.add(name),
		leave: (name) => void path.delete(name),
		meetAgain(name) {
			if (!path.has(name)) return;
			const names = [...path];
			cycle ??= [...names.slice(names.indexOf(name)), name];
		},
	});
	return cycle;
}

interface Visitor {
	/** Before what it depends on. */
	readonly enter?: (name: string) => void;
	/** After what it depends on. */
	readonly leave: (name: string) => void;
	/** A name that was entered before, and perhaps not left yet. */
	readonly meetAgain?: (name: string) => void;
}

/** Depth first, each name once. Without recursion: a chain of jobs may be longer than the stack is deep. */
function walk(dependencies: Dependencies, visitor: Visitor): void {
	const entered = new Set<string>();
	for (const root of dependencies.keys()) {
		if (entered.has(root)) continue;
		const open: { name: string; rest: Iterator<string> }[] = [];
		const enter = (name: string) => {
			entered.add(name);
			visitor.enter?.(name);
			const rest = (dependencies.get(name) ?? []).values();
			open.push({ name, rest });
		};
		enter(root);
		for (let top = open.at(-1); top; top = open.at(-1)) {
			const { value, done } = top.rest.next();
			if (done) {
				visitor.leave(top.name);
				open.pop();
			} else if (entered.has(value)) visitor.meetAgain?.(value);
			else enter(value);
		}
	}
}
