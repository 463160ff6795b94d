/** Who imports whom in src/, as Node.js sees it when it runs: type-only imports are not there any more. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

/** For each source file, by its path below src/: the files and packages that it loads. */
export type Imports = ReadonlyMap<string, SourceFile>;

export interface SourceFile {
	readonly files: readonly string[];
	/** Files below src/ of which it uses types only. */
	readonly types: readonly string[];
	/** Names of packages, without Node.js' own and the bundler's helpers. */
	readonly packages: readonly string[];
	readonly lines: number;
}

/** Reads all of `root`/src. */
export async function readImports(root: string): Promise<Imports> {
	const entryPoints = globSync("src/**/*.ts", { cwd: root }).sort();
	const { metafile } = await build({
		absWorkingDir: root,
		entryPoints,
		bundle: true,
		packages: "external",
		platform: "node",
		format: "esm",
		// As in tsconfig.json, and as Node.js does it: an import stays unless it says `type`.
		tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
		write: false,
		outdir: "out",
		metafile: true,
		logLevel: "silent",
	});
	return new Map(
		entryPoints.map((path) => {
			const text = readFileSync(join(root, path), "utf8");
			const imports = metafile.inputs[path]?.imports ?? [];
			const external = imports.filter((found) => found.external);
			const internal = imports.filter((found) => !found.external);
			const packages = [...external.map(({ path }) => packageOf(path)), ...required(text)].filter(
				(name) => !/^(node:|<runtime>$)/.test(name),
			);
			return [
				path.slice("src/".length),
				{
					types: typesOf(path, text),
					files: internal.map(({ path }) => path.slice("src/".length)),
					packages: [...new Set(packages)],
					lines: text.trimEnd().split("\n").length,
				},
			];
		}),
	);
}

/** Every file that is named in an import, also in one that is gone when the program runs. */
function typesOf(path: string, text: string): string[] {
	const specifiers = text.matchAll(/\b(?:from|import\()\s*"(\.[^"]*)"/g);
	return [...specifiers].map(([, specifier = ""]) => join(dirname(path), specifier).slice("src/".length));
}

/** `@scope/name/path` → `@scope/name` */
function packageOf(specifier: string): string {
	const parts = specifier.split("/");
	return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** What is loaded by loadPackage("name") or createRequire(…)("name"), which no bundler follows. */
function required(text: string): string[] {
	const calls = text.matchAll(/(?:createRequire\([^()]*\)|loadPackage)\(\s*"([^"]+)"/g);
	return [...calls].map(([, specifier = ""]) => packageOf(specifier));
}
