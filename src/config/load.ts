/** Finds and reads the configuration file. */
import { existsSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { defaultExport } from "../default-export.ts";
import { errorInfo, UserError } from "../errors.ts";
import { importModule } from "../import-module.ts";
import { explainModuleType } from "../module-type.ts";
import { parseJson, readText } from "./text.ts";

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", ".json", ".yaml", ".yml"];

/** The file that is used when none is named: `lastcall.config.ts`, … in the working directory. */
export const DEFAULT_NAMES: readonly string[] = EXTENSIONS.map(
	(extension) => `lastcall.config${extension}`,
);

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
export async function loadConfig(
	path?: string,
	directory = process.cwd(),
): Promise<LoadedConfig> {
	const file = path === undefined ? find(directory) : resolve(directory, path);
	if (!existsSync(file))
		throw new UserError(`Cannot read the configuration: ${file} not found`);
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
		if (!statSync(file).isFile())
			throw new Error("found no regular file, expected one");
		switch (extname(file)) {
			case ".json":
				return parseJson(readText(file));
			case ".yaml":
			case ".yml": {
				const { parseYaml } = await import("./yaml.ts");
				return parseYaml(readText(file));
			}
		}
		const value = defaultExport(await importConfig(file));
		if (value !== undefined) return value;
	} catch (error) {
		// The stack of a syntax error begins with the place; what called the parser is of no use to anybody.
		const info = errorInfo(error);
		const { stack, message } = info;
		const place = stack?.replace(/(\n\s+at .*)+$/, "");
		const detail = error instanceof SyntaxError && place ? place : message;
		throw new UserError(
			`Cannot read the configuration ${file}: ${explainModuleType(info) ?? detail}`,
		);
	}
	throw new UserError(
		`Cannot use the configuration ${file}: found no default export, expected: export default {jobs: {…}}`,
	);
}

/** Rejects where Node.js would end in silence: at an `await` that nothing is left to settle. */
async function importConfig(file: string): Promise<{ default?: unknown }> {
	const { promise: idle, reject } = Promise.withResolvers<never>();
	const onIdle = () =>
		reject(new Error("found an await at its top level that never settles"));
	process.once("beforeExit", onIdle);
	try {
		return await Promise.race([importModule(pathToFileURL(file).href), idle]);
	} finally {
		process.off("beforeExit", onIdle);
	}
}
