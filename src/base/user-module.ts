/** Modules that users have written: their default export, and what to do about a module that Node.js takes for CommonJS. */
import type { ErrorInfo } from "./errors.ts";

/**
 * What a module exports by default. TypeScript makes of `export default` in CommonJS an `exports.default` beside `exports.__esModule`,
 * which an import() finds one level deeper.
 */
export function defaultExport(module: { default?: unknown }): unknown {
	const outer = module.default as { __esModule?: unknown; default?: unknown } | null | undefined;
	return typeof outer === "object" && outer?.__esModule === true ? outer.default : outer;
}

// ==== from module-type.ts

/** What Node.js says of an ES module that it takes for CommonJS. */
const ES_MODULE_SYNTAX = /^(Unexpected token 'export'|Cannot use import statement outside a module)$/;

/** The stack of a syntax error begins with the place. */
const FILE_OF_STACK = /^(\/.+?)\.([jt]s):\d+\n/;

/** What to do about an ES module in a package of `"type": "commonjs"`, as `npm init` makes it; `undefined` for any other error. */
export function explainModuleType({ message, stack = "" }: ErrorInfo): string | undefined {
	if (!ES_MODULE_SYNTAX.test(message)) return undefined;
	const [, path = "", extension = ""] = FILE_OF_STACK.exec(stack) ?? [];
	if (path === "") return undefined;
	const name = path.slice(path.lastIndexOf("/") + 1);
	return `${path}.${extension} is an ES module, but its package.json says "type": "commonjs"; name the file ${name}.m${extension}, or set "type": "module" (npm pkg set type=module)`;
}
