import { readFileSync } from "node:fs";
import { type BuildOptions, build, type Plugin } from "esbuild";

const { engines, version } = JSON.parse(
	readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as {
	engines: { node: string };
	version: string;
};

/** What all bundles have in common. Dependencies stay outside, pinned by the lock file. */
export const common = {
	bundle: true,
	packages: "external",
	platform: "node",
	target: `node${engines.node.replace(/\D/g, "")}`,
	sourcemap: "linked",
	sourcesContent: false,
	define: { LASTCALL_VERSION: JSON.stringify(version) },
	logLevel: "warning",
} as const satisfies BuildOptions;

/**
 * The program as one CommonJS file: it starts several milliseconds before the same as ES modules, which is what a program in
 * the foreground waits for. What only `run` needs is in there too, but evaluated when it is asked for.
 */
export async function bundleMain(
	outfile: string,
	options: BuildOptions = {},
): Promise<void> {
	await build({
		...common,
		entryPoints: ["src/main.ts"],
		outfile,
		format: "cjs",
		// Half the text to read; names stay, for stack traces.
		minifySyntax: true,
		minifyWhitespace: true,
		define: { ...common.define, "import.meta.url": "importMetaUrl" },
		// The name of a module beside the others: thread.ts finds thread-entry by it.
		banner: {
			js: 'const importMetaUrl = require("node:url").pathToFileURL(__dirname + "/main.js").href;',
		},
		...options,
	});
}

/**
 * The in-process init as one ES module: it stands before the start of an app, which loads ES modules anyway.
 */
export async function bundleRegister(outfile: string): Promise<void> {
	await build({
		...common,
		entryPoints: ["src/register.ts"],
		outfile,
		format: "esm",
		minifySyntax: true,
		minifyWhitespace: true,
		plugins: [withoutFacades],
	});
}

/**
 * Has a bundle take Node.js's modules with `process.getBuiltinModule()`. An `import` of `node:fs` reads each of its exports, also
 * the lazy ones, and loads streams and promises for it: 5 ms, and 2 ms for `node:util`.
 */
const withoutFacades: Plugin = {
	name: "without-facades",
	setup(builder) {
		builder.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
			contents: readFileSync(path, "utf8").replaceAll(
				/^import \{([^}]*)\} from ("node:\w+");$/gm,
				(_, names: string, module: string) =>
					`const {${names.replaceAll(" as ", ": ")}} = process.getBuiltinModule(${module});`,
			),
			loader: "ts",
		}));
	},
};
