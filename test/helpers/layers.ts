/** The rules that keep src/ in layers, and everything that breaks them. */
import type { Imports } from "./imports.ts";

/**
 * Each layer may use what stands below it. A name is a folder of src/, or a file directly in it. Several folders in one layer stand
 * beside each other: none may use another.
 */
export const LAYERS: readonly (readonly string[])[] = [
	["main", "index", "register", "load", "require-node", "register-gate"],
	["run", "dropin", "inprocess", "cli", "rehearse"],
	["service"],
	["observe"],
	["supervisor"],
	["job"],
	["config"],
	["os"],
	["base"],
];

const MAX_LINES = 400;

/** All broken rules, each in a line. */
export function brokenRules(imports: Imports): string[] {
	return [...wrongDirections(imports), ...cycles(imports), ...sharedPackages(imports), ...longFiles(imports)];
}

/** Types count, too: who knows the shape of something above it depends on it. */
function wrongDirections(imports: Imports): string[] {
	return [...imports].flatMap(([from, { files, types }]) =>
		[...new Set([...files, ...types])]
			.filter((to) => !mayUse(from, to))
			.map((to) => `${from} imports ${to}, which does not stand below it`),
	);
}

function mayUse(from: string, to: string): boolean {
	return folderOf(from) === folderOf(to) || levelOf(to) > levelOf(from);
}

function folderOf(path: string): string {
	return path.includes("/") ? (path.split("/")[0] ?? "") : "";
}

/** An unknown folder is above everything: nothing may import it until it has its place. */
function levelOf(path: string): number {
	const name = folderOf(path) || path.replace(/\.ts$/, "");
	return LAYERS.findIndex((layer) => layer.includes(name));
}

function cycles(imports: Imports): string[] {
	const found: string[] = [];
	const done = new Set<string>();
	const visit = (path: string, way: readonly string[]): void => {
		const start = way.indexOf(path);
		if (start !== -1) found.push([...way.slice(start), path].join(" → "));
		if (start !== -1 || done.has(path)) return;
		const { files = [], types = [] } = imports.get(path) ?? {};
		for (const next of new Set([...files, ...types])) visit(next, [...way, path]);
		done.add(path);
	};
	for (const path of imports.keys()) visit(path, []);
	return found.map((cycle) => `import cycle: ${cycle}`);
}

function sharedPackages(imports: Imports): string[] {
	const users = new Map<string, string[]>();
	for (const [path, { packages }] of imports)
		for (const name of packages) users.set(name, [...(users.get(name) ?? []), path]);
	return [...users]
		.filter(([, paths]) => paths.length > 1)
		.map(([name, paths]) => `${name} is imported by ${paths.join(", ")}`);
}

function longFiles(imports: Imports): string[] {
	return [...imports]
		.filter(([, { lines }]) => lines > MAX_LINES)
		.map(([path, { lines }]) => `${path} has ${lines} lines`);
}
