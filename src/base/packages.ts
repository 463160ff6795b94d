/**
 * Loads the packages that are needed late, or not at all. In dist/ each package is one file, with bytecode if a start
 * waits for it: as many small files they would take several times as long to load, and half as much memory again. The
 * sources load the package.
 *
 * Each package is loaded by one file only, which shows what is used of it.
 */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { runScript } from "./script.ts";

export interface Packages {
	readonly croner: Pick<typeof import("croner"), "Cron">;
	readonly execa: Pick<typeof import("execa"), "execa" | "parseCommandString">;
	readonly pino: Pick<typeof import("pino"), "pino">;
	readonly "pino-pretty": Pick<typeof import("pino-pretty"), "prettyFactory">;
	readonly "prom-client": Pick<typeof import("prom-client"), "Counter" | "Gauge" | "Registry">;
	readonly yaml: Pick<typeof import("yaml"), "isScalar" | "LineCounter" | "parseDocument" | "visit">;
}

const loaded = new Map<string, unknown>();

/** Loads a package on the first call. Throws if its file cannot be read. */
export function loadPackage<Name extends keyof Packages>(name: Name): Packages[Name] {
	const exports = loaded.get(name) ?? load(name);
	loaded.set(name, exports);
	return exports as Packages[Name];
}

function load(name: string): unknown {
	const { createRequire } = process.getBuiltinModule("node:module");
	const require = createRequire(import.meta.url);
	if (extname(import.meta.url) === ".ts") return require(name);
	const exports = {};
	runScript(fileURLToPath(new URL(`./packages/${name}.cjs`, import.meta.url)))(exports, require);
	return exports;
}
