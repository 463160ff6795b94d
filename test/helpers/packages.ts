import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MODULES = join(import.meta.dirname, "../../node_modules");

interface Manifest {
	readonly dependencies?: Record<string, string>;
	readonly optionalDependencies?: Record<string, string>;
}

/** Copies installed packages, with all that they depend on, into another node_modules. */
export function copyPackages(names: readonly string[], to: string): void {
	const copied = new Set<string>();
	const copy = (name: string) => {
		const from = join(MODULES, name);
		// Optional ones are there for this platform only.
		if (copied.has(name) || !existsSync(from)) return;
		copied.add(name);
		cpSync(from, join(to, name), { recursive: true });
		const manifest = readFileSync(join(from, "package.json"), "utf8");
		const { dependencies, optionalDependencies }: Manifest = JSON.parse(manifest);
		Object.keys({ ...dependencies, ...optionalDependencies }).forEach(copy);
	};
	names.forEach(copy);
}
