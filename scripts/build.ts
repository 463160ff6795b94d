/** Makes dist/: each way in bundled (fewer files, faster start), and the types. Dependencies stay outside, pinned by the lock file. */
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
rmSync("dist", { recursive: true, force: true });

const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as {
	engines: { node: string };
};

/**
 * Has a bundle take Node.js's modules with `process.getBuiltinModule()`. An `import` of `node:fs` reads each of its exports, also
 * the lazy ones, and loads streams and promises for it: 5 ms of an app's start, and 2 ms for `node:util`.
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

const options: BuildOptions = {
	entryNames: "[name]",
	chunkNames: "chunk-[name]-[hash]",
	outdir: "dist",
	bundle: true,
	packages: "external",
	platform: "node",
	format: "esm",
	target: `node${engines.node.replace(/\D/g, "")}`,
	sourcemap: "linked",
	sourcesContent: false,
	logLevel: "warning",
};
await build({
	...options,
	// Flat on purpose: thread.ts finds thread-entry beside itself, version.ts its package.json one folder up.
	entryPoints: ["src/main.ts", "src/index.ts", "src/job/thread-entry.ts"],
	splitting: true,
});
// One file of its own: each further one would cost an app's start half a millisecond.
await build({
	...options,
	entryPoints: ["src/register.ts"],
	plugins: [withoutFacades],
});
chmodSync("dist/main.js", 0o755);

execFileSync("node_modules/.bin/tsc", ["--project", "tsconfig.build.json"], {
	stdio: "inherit",
});
