/** The rules that keep src/ in layers, and everything that breaks them. */
import type { Imports } from "./imports.ts";

/** Each layer may use what stands below it. A name is a folder, or a file directly in src/. */
export const LAYERS: readonly (readonly string[])[] = [
	["main", "index", "register", "load", "require-node", "register-gate"],
	["inprocess"],
	["init"],
	["cli"],
	["observe"],
	["supervisor"],
	["job"],
	["exec"],
	["config"],
	["os"],
	["base"],
];

/** Every other file directly in src/ belongs to the lowest layer. */
const BASE = "base";
const MAX_LINES = 400;

/** All broken rules, each in a line. */
export function brokenRules(imports: Imports): string[] {
	return [
		...wrongDirections(imports),
		...cycles(imports),
		...sharedPackages(imports),
		...longFiles(imports),
	];
}

function wrongDirections(imports: Imports): string[] {
	return [...imports].flatMap(([from, { files }]) =>
		files
			.filter((to) => levelOf(to) < levelOf(from))
			.map((to) => `${from} imports ${to}, which stands above it`),
	);
}

function levelOf(path: string): number {
	const folder = path.includes("/") ? path.split("/")[0] : undefined;
	const name = folder ?? path.replace(/\.ts$/, "");
	const level = LAYERS.findIndex((layer) => layer.includes(name));
	if (level !== -1) return level;
	// An unknown folder is above everything: nothing may import it until it has its place.
	return folder ? -1 : LAYERS.findIndex((layer) => layer.includes(BASE));
}

function cycles(imports: Imports): string[] {
	const found: string[] = [];
	const done = new Set<string>();
	const visit = (path: string, way: readonly string[]): void => {
		const start = way.indexOf(path);
		if (start !== -1) found.push([...way.slice(start), path].join(" → "));
		if (start !== -1 || done.has(path)) return;
		for (const next of imports.get(path)?.files ?? [])
			visit(next, [...way, path]);
		done.add(path);
	};
	for (const path of imports.keys()) visit(path, []);
	return found.map((cycle) => `import cycle: ${cycle}`);
}

function sharedPackages(imports: Imports): string[] {
	const users = new Map<string, string[]>();
	for (const [path, { packages }] of imports)
		for (const name of packages)
			users.set(name, [...(users.get(name) ?? []), path]);
	return [...users]
		.filter(([, paths]) => paths.length > 1)
		.map(([name, paths]) => `${name} is imported by ${paths.join(", ")}`);
}

function longFiles(imports: Imports): string[] {
	return [...imports]
		.filter(([, { lines }]) => lines > MAX_LINES)
		.map(([path, { lines }]) => `${path} has ${lines} lines`);
}
