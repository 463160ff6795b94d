import { readFileSync } from "node:fs";
import { basename } from "node:path";
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

/** What main.ts loads only when it is asked for. */
export const LOADED_LATER = [
	"src/init.ts",
	"src/cli/check.ts",
	"src/cli/remote.ts",
];

/** Leaves it outside of a bundle, as a module beside it. */
const leaveOutside: Plugin = {
	name: "leave-outside",
	setup({ onResolve }) {
		onResolve({ filter: /./ }, ({ kind, path }) =>
			kind === "dynamic-import" && path.startsWith(".")
				? { path: `./${basename(path, ".ts")}.js`, external: true }
				: undefined,
		);
	},
};

/**
 * The program as one CommonJS file without all that only `run` needs: it starts several milliseconds before the same as ES
 * modules, which is what a program in the foreground waits for.
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
		// A third of the text to compile.
		minify: true,
		plugins: [leaveOutside],
		define: { ...common.define, "import.meta.url": "importMetaUrl" },
		banner: {
			js: 'const importMetaUrl = "file://" + __filename;',
		},
		...options,
	});
}

/** The same as dist/program.cjs, a function for src/load.ts, which becomes dist/main.cjs. */
export async function bundleProgram(directory: string): Promise<void> {
	await bundleMain(`${directory}/program.cjs`, {
		banner: { js: "(function (require, importMetaUrl) {" },
		footer: { js: "})" },
		// A script that is no module has no import(): ES modules are required.
		supported: { "dynamic-import": false },
	});
	await build({
		...common,
		entryPoints: ["src/load.ts"],
		outfile: `${directory}/main.cjs`,
		format: "cjs",
		minify: true,
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
 * the lazy ones, and loads streams and promises for it: 5 ms and half a megabyte in each thread; 2 ms for `node:util`.
 */
export const withoutFacades: Plugin = {
	name: "without-facades",
	setup(builder) {
		builder.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
			contents: readFileSync(path, "utf8").replaceAll(
				/^import \{([^}]*)\} from ("node:[\w/]+");$/gm,
				(_, names: string, module: string) =>
					`const {${patternOf(names)}} = process.getBuiltinModule(${module});`,
			),
			loader: "ts",
		}));
	},
};

/** What is imported as the pattern of an assignment: `type A, b as c` → `b: c`. */
function patternOf(names: string): string {
	return names
		.replaceAll(/\btype \w+( as \w+)?,?/g, "")
		.replaceAll(" as ", ": ");
}
