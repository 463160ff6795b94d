/** Finds and reads the configuration file. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { errorInfo, show, UserError } from "../base/errors.ts";
import { importModule } from "../base/import-module.ts";
import { loadPackage } from "../base/packages.ts";
import { defaultExport, explainModuleType } from "../base/user-module.ts";

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", ".json", ".yaml", ".yml"];

/** The file that is used when none is named: `lastcall.config.ts`, … in the working directory. */
export const DEFAULT_NAMES: readonly string[] = EXTENSIONS.map((extension) => `lastcall.config${extension}`);

export interface LoadedConfig {
	/** Absolute path. */
	readonly path: string;
	/** As the file gave it: not checked yet. */
	readonly value: unknown;
}

/**
 * @param path Relative to the working directory. @default the first of {@link DEFAULT_NAMES} that exists
 * @throws {UserError} if there is no such file, or it cannot be read as what its name says.
 */
export async function loadConfig(path?: string, directory = process.cwd()): Promise<LoadedConfig> {
	const file = path === undefined ? find(directory) : resolve(directory, path);
	if (!existsSync(file)) throw new UserError(`Cannot read the configuration: ${file} not found`);
	if (!EXTENSIONS.includes(extname(file)))
		throw new UserError(
			`Cannot read the configuration ${file}: found the extension "${extname(file)}", expected one of ${EXTENSIONS.join(", ")}`,
		);
	return { path: file, value: await read(file) };
}

function find(directory: string): string {
	for (const name of DEFAULT_NAMES) {
		const file = resolve(directory, name);
		if (existsSync(file)) return file;
	}
	throw new UserError(
		`Cannot find a configuration in ${directory}: expected one of ${DEFAULT_NAMES.join(", ")}, or a path: lastcall run CONFIG`,
	);
}

async function read(file: string): Promise<unknown> {
	try {
		// A FIFO or a device would block the init, or never end.
		if (!statSync(file).isFile()) throw new Error("found no regular file, expected one");
		switch (extname(file)) {
			case ".json":
				return parseJson(readText(file));
			case ".yaml":
			case ".yml":
				return parseYaml(readText(file));
		}
		const value = defaultExport(await importConfig(file));
		if (value !== undefined) return value;
	} catch (error) {
		// The stack of a syntax error begins with the place; what called the parser is of no use to anybody.
		const info = errorInfo(error);
		const { stack, message } = info;
		const place = stack?.replace(/(\n\s+at .*)+$/, "");
		const detail = error instanceof SyntaxError && place ? place : message;
		throw new UserError(`Cannot read the configuration ${file}: ${explainModuleType(info) ?? detail}`);
	}
	throw new UserError(
		`Cannot use the configuration ${file}: found no default export, expected: export default {jobs: {…}}`,
	);
}

/** Rejects where Node.js would end in silence: at an `await` that nothing is left to settle. */
async function importConfig(file: string): Promise<{ default?: unknown }> {
	const { promise: idle, reject } = Promise.withResolvers<never>();
	const onIdle = () => reject(new Error("found an await at its top level that never settles"));
	process.once("beforeExit", onIdle);
	try {
		return await Promise.race([importModule(pathToFileURL(file).href), idle]);
	} finally {
		process.off("beforeExit", onIdle);
	}
}

// ==== from text.ts

/** Reads a text file, and JSON, as strictly as a configuration deserves: nothing is replaced or dropped in silence. */

/** Without the byte order mark that some editors put in front. Throws if it is no UTF-8. */
export function readText(file: string): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
	} catch (error) {
		if (!(error instanceof TypeError)) throw error;
		throw new Error("found bytes that are no UTF-8, expected text in UTF-8");
	}
}

/** JSON.parse(), but for a key that occurs twice: of two jobs with one name it would forget the first. */
export function parseJson(text: string): unknown {
	const value: unknown = JSON.parse(text);
	refuseDuplicateKeys(text);
	return value;
}

const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\]:]/g;

/** @param text JSON that is known to be right. */
function refuseDuplicateKeys(text: string): void {
	/** The keys of each object that is open; an array has none. */
	const open: Set<string>[] = [];
	let last = "";
	for (const { 0: token, index } of text.matchAll(TOKEN)) {
		if (token === "{" || token === "[") open.push(new Set());
		else if (token === "}" || token === "]") open.pop();
		else if (token !== ":") last = token;
		else {
			const key: string = JSON.parse(last);
			const keys = open.at(-1);
			if (keys?.has(key)) {
				const line = text.slice(0, index).split("\n").length;
				throw new SyntaxError(`found the key ${show(key)} twice in one object (line ${line})`);
			}
			keys?.add(key);
		}
	}
}

// ==== from yaml.ts

/** YAML 1.2, in which `no` is a word and not a truth value. Throws an error that shows the line. */
export function parseYaml(text: string): unknown {
	const { isScalar, LineCounter, parseDocument, visit } = loadPackage("yaml");
	const lineCounter = new LineCounter();
	// The package compares each key with all before it: with 40,000 of them the init would be deaf for seconds.
	const document = parseDocument(text, { uniqueKeys: false, lineCounter });
	// A warning is a tag that nobody knows: `!secret x` would be taken for "x".
	const [mistake] = [...document.errors, ...document.warnings];
	if (mistake) throw mistake;
	visit(document, {
		Map(_, { items }) {
			const seen = new Set<unknown>();
			for (const { key } of items) {
				const name = isScalar(key) ? key.value : key;
				if (seen.has(name)) {
					const [offset = 0] = (isScalar(key) && key.range) || [];
					const { line } = lineCounter.linePos(offset);
					throw new Error(`Map keys must be unique: found ${String(name)} again at line ${line}`);
				}
				seen.add(name);
			}
		},
	});
	return document.toJS();
}
