/** Modules that users have written: their default export, and ES modules that Node.js takes for CommonJS. */
import { existsSync } from "node:fs";
import type { ErrorInfo } from "./errors.ts";

/** What Node.js says of an ES module that it takes for CommonJS. */
const ES_MODULE_SYNTAX = /^(Unexpected token 'export'|Cannot use import statement outside a module)$/;
const ALIAS = /^Cannot find package '[@~](\/[^']*)?' /;
const MISSING_FILE = /^Cannot find module '(\/[^']+)' /;
/** The stack of a syntax error begins with the place. */
const PLACE_OF_STACK = /^(\/.+?:\d+)\n/;
const FILE_OF_STACK = /^(\/.+?)\.([jt]s):\d+\n/;

/**
 * What a module exports by default. For `export default` in CommonJS, TypeScript writes `exports.default` and
 * `exports.__esModule`. import() finds that default export one level deeper.
 */
export function defaultExport(module: { default?: unknown }): unknown {
	const outer = module.default as { __esModule?: unknown; default?: unknown } | null | undefined;
	return typeof outer === "object" && outer?.__esModule === true ? outer.default : outer;
}

/**
 * What to do about an import that Node.js refuses, and a bundler would not: an alias, a file without its extension,
 * syntax of TypeScript that is more than types, an ES module in a package of `"type": "commonjs"`. `undefined` for other
 * errors.
 */
export function explainImport(error: ErrorInfo): string | undefined {
	const { message, stack = "", code } = error;
	const [, place] = PLACE_OF_STACK.exec(stack) ?? [];
	if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX")
		return `${place === undefined ? "" : `${place}: `}${message}: only types are removed; write it in JavaScript (a const object for an enum), or compile the file`;
	if (ALIAS.test(message))
		return `${message}: Node.js does not read "paths" of tsconfig.json; write "imports": {"#*": "./*"} into package.json, and import "#lib/x.ts"`;
	const [, missing = ""] = MISSING_FILE.exec(message) ?? [];
	const found = [`${missing}.ts`, `${missing}/index.ts`, missing.replace(/\.js$/, ".ts")].find((file) =>
		existsSync(file),
	);
	if (missing !== "" && found !== undefined)
		return `${message}: found ${found}; Node.js wants the name as it is, such as "./x.ts" (allowImportingTsExtensions in tsconfig.json)`;
	return ES_MODULE_SYNTAX.test(message) ? explainModuleType(stack) : undefined;
}

function explainModuleType(stack: string): string | undefined {
	const [, path, extension] = FILE_OF_STACK.exec(stack) ?? [];
	if (path === undefined) return undefined;
	const name = path.slice(path.lastIndexOf("/") + 1);
	return `${path}.${extension} is an ES module, but its package.json says "type": "commonjs"; name the file ${name}.m${extension}, or set "type": "module" (npm pkg set type=module)`;
}

/**
 * Writes what Node.js has compiled to its compile cache, where NODE_COMPILE_CACHE names one. Node.js writes it only when
 * a thread or the process is torn down, which lastcall never does.
 */
export function flushCompileCache(): void {
	if (process.env.NODE_COMPILE_CACHE) process.getBuiltinModule("node:module").flushCompileCache();
}
