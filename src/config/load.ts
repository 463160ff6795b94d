/** Finds and reads the configuration file: TypeScript, JavaScript, JSON or YAML. */
import { isUtf8 } from "node:buffer";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { errorInfo, show, UserError } from "../base/errors.ts";
import { importModule } from "../base/import-module.ts";
import { loadPackage } from "../base/packages.ts";
import { loadTypeScript, needsHooks, stripTypes } from "../base/typescript.ts";
import { defaultExport, explainImport, flushCompileCache } from "../base/user-module.ts";
import { OMITTED } from "./schema.ts";

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", ".json", ".yaml", ".yml"];

/** The files to look for in the working directory when the user names none. */
export const DEFAULT_NAMES: readonly string[] = EXTENSIONS.map((extension) => `lastcall.config${extension}`);

/**
 * `path`: absolute. `value`: the content of the file, not validated yet. `origin`: what messages say in place of the path
 * where there is no file. The path only says then where relative paths start.
 */
export type LoadedConfig = Readonly<{ path: string; value: unknown; origin?: string }>;

/**
 * @param path Relative to the directory. @default the first of {@link DEFAULT_NAMES} that exists
 * @throws {UserError} if there is no such file, or if it cannot be read in the format of its extension.
 */
export async function loadConfig(path?: string, directory = process.cwd()): Promise<LoadedConfig> {
	const candidates = path === undefined ? DEFAULT_NAMES : [path];
	const file = candidates.map((name) => resolve(directory, name)).find((file) => existsSync(file));
	if (file === undefined)
		throw new UserError(
			path === undefined
				? `Cannot find a configuration in ${directory}: expected one of ${DEFAULT_NAMES.join(", ")}, a path: lastcall run CONFIG, or a program: lastcall run -- PROGRAM. lastcall init makes one`
				: `Cannot read the configuration: ${resolve(directory, path)} not found`,
		);
	if (!EXTENSIONS.includes(extname(file)))
		throw new UserError(
			`Cannot read the configuration ${file}: found the extension "${extname(file)}", expected one of ${EXTENSIONS.join(", ")}`,
		);
	return { path: file, value: await read(file) };
}

/** A configuration of one job: a program of the command line. The job has the program's name, if a job may have it. */
export function configOf(program: readonly string[]): LoadedConfig {
	const name = basename(program[0] ?? "")
		.replace(/^\W+|[^\w.-]/g, "")
		.slice(0, 64);
	const jobs = { [name === "" || OMITTED.includes(name) ? "program" : name]: { command: program } };
	return { path: resolve("command line"), origin: "of the command line", value: { jobs } };
}

async function read(file: string): Promise<unknown> {
	try {
		// Reading a FIFO would block the init, and a device may never end.
		if (!statSync(file).isFile()) throw new Error("found no regular file, expected one");
		if (extname(file) === ".json") return parseJson(readText(file));
		if ([".yaml", ".yml"].includes(extname(file))) return parseYaml(readText(file));
		const value = defaultExport(await importConfig(file));
		flushCompileCache();
		if (value !== undefined) return value;
	} catch (error) {
		const info = errorInfo(error);
		// The stack of a syntax error begins with its place in the file. The calls below it are lastcall's own.
		const place = error instanceof SyntaxError && info.stack?.replace(/(\n\s+at .*)+$/, "");
		const detail = explainImport(info) ?? (place || info.message);
		throw new UserError(`Cannot read the configuration ${file}: ${detail}`);
	}
	throw new UserError(
		`Cannot use the configuration ${file}: found no default export, expected: export default {jobs: {…}}`,
	);
}

/** Hooks stay for the life of the process, and each further one would strip a file again that the last one could not. */
let hasHooks = false;

/** Rejects at a top-level await that can never settle: Node.js would exit without a message. */
async function importConfig(file: string): Promise<{ default?: unknown }> {
	const { promise: idle, reject } = Promise.withResolvers<never>();
	const onIdle = () => reject(new Error("found a top-level await that never settles"));
	process.once("beforeExit", onIdle);
	if (!hasHooks && needsHooks(file)) {
		hasHooks = true;
		loadTypeScript((_, source) => stripTypes(source));
	}
	try {
		return await Promise.race([importModule(pathToFileURL(file).href), idle]);
	} finally {
		process.off("beforeExit", onIdle);
	}
}

/** The text without the byte order mark that some editors write. Throws at bytes that are not UTF-8. */
function readText(file: string): string {
	const bytes = readFileSync(file);
	if (!isUtf8(bytes)) throw new Error("found bytes that are not UTF-8, expected text in UTF-8");
	return new TextDecoder().decode(bytes);
}

const JSON_TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\]:]/g;

/** JSON.parse() that refuses a key that occurs twice: JSON.parse() drops the first of two jobs with one name. */
function parseJson(text: string): unknown {
	// The loop below relies on valid JSON.
	const value: unknown = JSON.parse(text);
	/** The keys of each open object; those of an open array stay empty. */
	const open: Set<string>[] = [];
	let last = "";
	for (const { 0: token, index } of text.matchAll(JSON_TOKEN)) {
		if (token === "{" || token === "[") open.push(new Set());
		else if (token === "}" || token === "]") open.pop();
		else if (token !== ":") last = token;
		else {
			const key: string = JSON.parse(last);
			const keys = open.at(-1);
			if (keys?.has(key)) throw duplicateKey(key, text.slice(0, index).split("\n").length);
			keys?.add(key);
		}
	}
	return value;
}

/** YAML 1.2, in which `no` is text and not a boolean. */
function parseYaml(text: string): unknown {
	const { isScalar, LineCounter, parseDocument, visit } = loadPackage("yaml");
	const lineCounter = new LineCounter();
	// The package's own check for unique keys takes quadratic time: with 40,000 keys it would block the init for seconds.
	const document = parseDocument(text, { uniqueKeys: false, lineCounter });
	// A warning is about an unknown tag: `!secret x` would become "x".
	const [mistake] = [...document.errors, ...document.warnings];
	if (mistake) throw mistake;
	visit(document, {
		Map(_, { items }) {
			const seen = new Set<unknown>();
			for (const { key } of items) {
				const name = isScalar(key) ? key.value : key;
				const [offset = 0] = (isScalar(key) && key.range) || [];
				if (seen.has(name)) throw duplicateKey(name, lineCounter.linePos(offset).line);
				seen.add(name);
			}
		},
	});
	return document.toJS();
}

function duplicateKey(key: unknown, line: number): Error {
	return new Error(`found the key ${show(key)} twice in one object (line ${line}), expected each key once`);
}
