import { globSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** Leaves of the declarations in a folder only those that are reached from these: the compiler writes one for every file. */
export function pruneTypes(directory: string, entries: readonly string[]): void {
	const reached = new Set<string>();
	const visit = (file: string): void => {
		if (reached.has(file)) return;
		reached.add(file);
		const text = readFileSync(join(directory, file), "utf8");
		for (const [, path = ""] of text.matchAll(/(?:from |import\()"(\.[^"]+)\.[jt]s"/g))
			visit(join(dirname(file), `${path}.d.ts`));
	};
	for (const entry of entries) visit(entry);
	for (const file of globSync("**/*.d.ts", { cwd: directory })) if (!reached.has(file)) rmSync(join(directory, file));
}
