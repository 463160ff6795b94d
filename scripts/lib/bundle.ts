import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { root } from "./paths.ts";

const { engines, optionalDependencies, version } = JSON.parse(
	readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { engines: { node: string }; optionalDependencies: Record<string, string>; version: string };

/** In the bundles, since they use a tenth of it: all of it is half a megabyte in an init that idles. */
export const INLINED = ["leven", "valibot"];

/** A file for each, with what is used of it: see src/base/packages.ts. */
const EXPORTS = {
	croner: "Cron",
	execa: "execa, parseCommandString",
	pino: "pino",
	"pino-pretty": "prettyFactory",
	"prom-client": "Counter, Gauge, Registry",
	yaml: "isScalar, LineCounter, parseDocument, visit",
};

export const PACKAGES = Object.keys(EXPORTS);

/** Those that stand in the way of a start. The others are used late and little, and bytecode is twice as large as its text. */
export const WITH_BYTECODE = ["execa", "pino", "yaml"];

const minNode = Number(engines.node.replace(/\D/g, ""));

/** Targets of the files that an old Node.js has to be able to read, since they say that it is too old. */
const OLD_NODE = { cjs: "node12", esm: "node18" } as const;

/** What all bundles have in common. */
export const common = {
	bundle: true,
	external: Object.keys(optionalDependencies),
	platform: "node",
	target: `node${minNode}`,
	sourcemap: "linked",
	sourcesContent: false,
	define: {
		LASTCALL_VERSION: JSON.stringify(version),
		LASTCALL_LICENSE: JSON.stringify(readFileSync(join(root, "LICENSE"), "utf8")),
		LASTCALL_MIN_NODE: JSON.stringify(minNode),
	},
	logLevel: "warning",
} as const satisfies BuildOptions;

/**
 * CommonJS starts several milliseconds before the same as ES modules, which is what a program in the foreground waits for, and needs
 * half a megabyte less.
 */
const commonJs = {
	format: "cjs",
	// A third of the text to compile and to keep.
	minify: true,
	define: { ...common.define, "import.meta.url": "importMetaUrl" },
	banner: { js: 'const importMetaUrl = "file://" + __filename;' },
} as const satisfies BuildOptions;

/** A service does without dist/rehearse.cjs: it is a file of its own, beside dist/main.cjs, whose `require` loads it. */
const withoutRehearsal: Plugin = {
	name: "without-rehearsal",
	setup({ onResolve }) {
		onResolve({ filter: /\/rehearse\.ts$/ }, () => ({ path: "./rehearse.cjs", external: true }));
	},
};

/** Leaves out what main.ts loads only for a subcommand. */
const withoutSubcommands: Plugin = {
	name: "without-subcommands",
	setup({ onResolve }) {
		onResolve({ filter: /./ }, ({ kind, path, importer }) =>
			kind === "dynamic-import" && importer.endsWith("/src/main.ts") ? { path, external: true } : undefined,
		);
	},
};

/** The program as one file, for a program in the foreground. */
export async function bundleMain(outfile: string, options: BuildOptions = {}): Promise<void> {
	await build({
		...common,
		...commonJs,
		entryPoints: ["src/main.ts"],
		outfile,
		plugins: [withoutRehearsal, withoutSubcommands],
		...options,
	});
}

/** The same as a function for src/load.ts. */
export async function bundleProgram(outfile: string): Promise<void> {
	await bundleMain(outfile, { ...asFunction });
}

/** What src/load.ts runs. A script that is no module has no import(): Node.js's own modules are required. */
const asFunction = {
	banner: { js: "(function (require, importMetaUrl, importFromOutside) {" },
	footer: { js: "})" },
	supported: { "dynamic-import": false },
} as const satisfies BuildOptions;

/** The import() of what users have written is handed in. */
const withImportFromOutside: Plugin = {
	name: "with-import-from-outside",
	setup({ onLoad }) {
		onLoad({ filter: /\/src\/base\/import-module\.ts$/ }, () => ({
			contents: "export const importModule = importFromOutside;",
			loader: "js",
		}));
	},
};

/** `lastcall init` is a file of its own: no service reads it. */
const withoutInit: Plugin = {
	name: "without-init",
	setup({ onResolve }) {
		onResolve({ filter: /\/cli\/init\.ts$/ }, () => ({ path: "./init.cjs", external: true }));
	},
};

/** The program with its subcommands, as a function, too. */
export async function bundleSubcommands(outfile: string): Promise<void> {
	const plugins = [withImportFromOutside, withoutRehearsal, withoutInit];
	await bundleScript("src/main.ts", outfile, { ...asFunction, plugins });
}

/** A file and all that it imports as one file: the program with its subcommands, the first file of a job thread. */
export async function bundleScript(entryPoint: string, outfile: string, options: BuildOptions = {}): Promise<void> {
	await build({ ...common, ...commonJs, entryPoints: [entryPoint], outfile, ...options });
}

/**
 * The packages that are loaded late, a file each: a function of `exports` and `require`.
 *
 * @returns The folders of all packages that are in them.
 */
export async function bundlePackages(outdir: string): Promise<string[]> {
	const inputs: string[] = [];
	for (const [name, exports] of Object.entries(EXPORTS)) {
		const { metafile } = await build({
			...common,
			format: "cjs",
			minify: true,
			sourcemap: false,
			legalComments: "none",
			metafile: true,
			stdin: { contents: `export { ${exports} } from "${name}";`, resolveDir: root },
			outfile: join(outdir, `${name}.cjs`),
			banner: { js: "(function (exports, require) { const module = {};" },
			footer: { js: "Object.assign(exports, module.exports) })" },
			plugins: [withoutFacades(/\/node_modules\/.*\.js$/, "require")],
		});
		inputs.push(...Object.keys(metafile.inputs));
	}
	const folders = inputs.map((input) => FOLDER_OF_PACKAGE.exec(input)?.[0]);
	return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

/** Of the last one in a path: packages have packages of their own. */
const FOLDER_OF_PACKAGE = /.*node_modules\/(?:@[^/]+\/)?[^/]+/;

/** What runs the program, or says that this Node.js is too old for it. */
export async function bundleLoader(outfile: string): Promise<void> {
	await bundleScript("src/load.ts", outfile, { target: OLD_NODE.cjs, supported: { "dynamic-import": true } });
}

/**
 * Has a bundle take Node.js's modules by a function. An `import` of `node:fs`, and what esbuild makes of it in CommonJS, reads each of
 * its exports, also the lazy ones, and loads streams and promises for it: 5 ms and half a megabyte in each thread; 2 ms for `node:util`;
 * 80 such copies in execa.
 */
const withoutFacades = (filter: RegExp, take: "require" | "process.getBuiltinModule"): Plugin => ({
	name: "without-facades",
	setup(builder) {
		builder.onLoad({ filter }, ({ path }) => ({
			contents: readFileSync(path, "utf8").replaceAll(
				/^import (?:(\w+)(?:, ?)?)?(?:\{([^}]*)\})? ?from (["']node:[\w/]+["']);?$/gm,
				(_, all = "", names = "", module = "") =>
					[all, names && `{${patternOf(names)}}`].map((left) => left && `const ${left} = ${take}(${module});`).join(""),
			),
			loader: path.endsWith(".ts") ? "ts" : "js",
		}));
	},
});

/** What is imported as the pattern of an assignment: `type A, b as c` → `b: c`. */
function patternOf(names: string): string {
	return names.replaceAll(/\btype \w+( as \w+)?,?/g, "").replaceAll(" as ", ": ");
}

/** ES modules that an old Node.js gets to read. */
const modules = {
	...common,
	format: "esm",
	target: OLD_NODE.esm,
	minifySyntax: true,
	minifyWhitespace: true,
	plugins: [withoutFacades(/\/src\/.*\.ts$/, "process.getBuiltinModule")],
} as const satisfies BuildOptions;

/**
 * The in-process init as one ES module: it stands before the start of an app, which loads ES modules anyway. What an old Node.js must
 * not run is one function, which a newer one compiles and calls at once: as many small modules, each a function, it would take 2 ms more.
 */
export async function bundleRegister(outfile: string): Promise<void> {
	const gate = await build({ ...modules, entryPoints: ["src/register-gate.ts"], sourcemap: false, write: false });
	await build({
		...modules,
		entryPoints: ["src/register.ts"],
		outfile,
		banner: { js: `${gate.outputFiles[0]?.text}if (complaint === undefined) (() => {` },
		footer: { js: "})();" },
	});
}

/**
 * The public API as ES modules. Each of them imports dist/require-node.js first: ES modules run in the order in which they are
 * imported, and without this line the bundler would choose it.
 */
export async function bundleApi(outdir: string): Promise<void> {
	const first = "require-node.js";
	await build({ ...modules, entryPoints: ["src/require-node.ts"], outfile: join(outdir, first) });
	await build({
		...modules,
		minifyIdentifiers: true,
		banner: { js: `import "./${first}";` },
		entryPoints: ["src/index.ts"],
		entryNames: "[name]",
		chunkNames: "chunk-[name]-[hash]",
		outdir,
		splitting: true,
	});
}
