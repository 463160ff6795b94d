/**
 * Loads TypeScript files without their types, for the configuration and for jobs.
 *
 * Node.js loads its type stripper anew in each thread, which costs 9.5 MB and 40 ms. So a thread gets the text from the
 * cache that `lastcall check` has filled, which costs nothing, or from the main thread, which loads the stripper once
 * for all threads. Types become blanks, so lines and columns stay the same as in the source. (CommonJS gains nothing:
 * Node.js's require() strips a `.ts` file even if a hook has already done so.)
 *
 * The cache is `.cache/lastcall/` in the `node_modules` that the file imports from. It is as trusted as the packages
 * there. An entry contains the source, too, and counts only for exactly this source, so it is never stale. Only `check`
 * writes the cache: a service writes no code.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { findPackageJSON, registerHooks, stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { attempt } from "./errors.ts";

/** Separates source and text in an entry. No source contains it: Node.js refuses NUL in a program. */
const SEPARATOR = "\0";
/** `import` or `export` at the beginning of a statement; not a call of import(). */
const MODULE_SYNTAX = /(^|;)\s*(import|export)\b(?!\s*\()/m;
/** Relative imports of TypeScript files, in every form. A match that is no import does no harm. */
const RELATIVE_IMPORT = /["'](\.{1,2}\/[^"'\n]+\.[cm]?ts)["']/g;

export function isTypeScript(file: string): boolean {
	return /\.[cm]?ts$/.test(file);
}

/** Strips the types, in this thread. `undefined` if Node.js cannot: its own error, also at the import, says why. */
export function stripTypes(source: string, onError?: (error: unknown) => void): string | undefined {
	const { emitWarning } = process;
	// On Node.js 24 the function warns that it is experimental. Users of a container cannot act on that.
	process.emitWarning = () => {};
	try {
		return stripTypeScriptTypes(source, { mode: "strip" });
	} catch (error) {
		onError?.(error);
		return undefined;
	} finally {
		process.emitWarning = emitWarning;
	}
}

/**
 * For each TypeScript file that this thread imports, takes the text from the cache, or else from `strip`. An ES module
 * loads as an ES module, whatever the `type` of its package.
 *
 * @param strip Returns the text without types, or `undefined` to let Node.js load the file.
 */
export function loadTypeScript(strip: (path: string, source: string) => string | undefined): void {
	registerHooks({
		load(url, context, next) {
			if (!url.startsWith("file:") || url.includes("/node_modules/")) return next(url, context);
			const path = fileURLToPath(url);
			const module = context.format === "commonjs" ? readModule(path) : undefined;
			if (module !== undefined) return { format: "module", source: module, shortCircuit: true };
			const source = isTypeScript(path) ? attempt(() => readFileSync(path, "utf8")) : undefined;
			const text = source === undefined ? undefined : (readCached(path, source) ?? strip(path, source));
			if (text === undefined) return next(url, context);
			return { format: formatOf(path, context.format, text), source: text, shortCircuit: true };
		},
	});
}

/**
 * The text of an ES module that Node.js takes for CommonJS because the package says so (`npm init`). Valid CommonJS is
 * no ES module: MODULE_SYNTAX may have matched inside a string.
 */
function readModule(path: string): string | undefined {
	if (!path.endsWith(".js")) return undefined;
	const source = attempt(() => readFileSync(path, "utf8"));
	if (source === undefined || !MODULE_SYNTAX.test(source)) return undefined;
	const { compileFunction } = process.getBuiltinModule("node:vm");
	return attempt(() => compileFunction(source, ["require", "exports", "module"])) ? undefined : source;
}

/** Whether an import of the file needs the hooks of loadTypeScript(). Other files pay nothing for the hooks. */
export function needsHooks(path: string): boolean {
	return isTypeScript(path) || (path.endsWith(".js") && isInCommonJs(path) && readModule(path) !== undefined);
}

/** Whether the package of a file says `"type": "commonjs"`. Without a `type`, Node.js detects the format itself. */
function isInCommonJs(path: string): boolean {
	const type = attempt(() => {
		const manifest = findPackageJSON(pathToFileURL(path));
		return manifest && JSON.parse(readFileSync(manifest, "utf8")).type;
	});
	return type === "commonjs";
}

/** Whether the cache has an entry for the file's current source. */
export function isCached(path: string): boolean {
	const source = attempt(() => readFileSync(path, "utf8"));
	return source !== undefined && readCached(path, source) !== undefined;
}

/** Puts a file, and all files that it imports by relative paths, into the cache, if there is a `node_modules`. */
export function fillCache(path: string, seen = new Set<string>()): void {
	if (seen.has(path) || !isTypeScript(path) || path.includes("/node_modules/")) return;
	seen.add(path);
	const source = attempt(() => readFileSync(path, "utf8"));
	const text = source === undefined ? undefined : (readCached(path, source) ?? stripTypes(source));
	if (source === undefined || text === undefined) return;
	attempt(() => writeEntry(path, source, text));
	for (const [, specifier = ""] of text.matchAll(RELATIVE_IMPORT)) fillCache(join(dirname(path), specifier), seen);
}

function readCached(path: string, source: string): string | undefined {
	const entry = attempt(() => readFileSync(entryOf(path), "utf8"));
	const start = source + SEPARATOR;
	return entry?.startsWith(start) ? entry.slice(start.length) : undefined;
}

function writeEntry(path: string, source: string, text: string): void {
	const entry = entryOf(path);
	mkdirSync(dirname(entry), { recursive: true });
	// rename(2) is atomic: a reader sees the whole entry or none.
	const unfinished = `${entry}.${process.pid}`;
	writeFileSync(unfinished, source + SEPARATOR + text);
	renameSync(unfinished, entry);
}

/** Throws if neither the folder of the file nor a folder above it has a `node_modules`. */
function entryOf(path: string): string {
	let root = dirname(path);
	for (; !existsSync(join(root, "node_modules")); root = dirname(root))
		if (root === dirname(root)) throw new Error(`found no node_modules for ${path}`);
	return join(root, "node_modules/.cache/lastcall", process.version, relative(root, path));
}

/** The syntax of a `.ts` file decides between ES module and CommonJS, whatever the `type` of its package. */
function formatOf(path: string, format: string | null | undefined, text: string): "module" | "commonjs" {
	if (path.endsWith(".mts")) return "module";
	if (path.endsWith(".cts")) return "commonjs";
	return format?.startsWith("module") || MODULE_SYNTAX.test(text) ? "module" : "commonjs";
}
