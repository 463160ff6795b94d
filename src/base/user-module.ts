/** Modules that users have written: their default export, and ES modules that Node.js takes for CommonJS. */
import type { ErrorInfo } from "./errors.ts";

/** What Node.js says of an ES module that it takes for CommonJS. */
const ES_MODULE_SYNTAX = /^(Unexpected token 'export'|Cannot use import statement outside a module)$/;
/** The stack of a syntax error begins with the place. */
const FILE_OF_STACK = /^(\/.+?)\.([jt]s):\d+\n/;

/**
 * What a module exports by default. For `export default` in CommonJS, TypeScript writes `exports.default` and
 * `exports.__esModule`. import() finds that default export one level deeper.
 */
export function defaultExport(module: { default?: unknown }): unknown {
	const outer = module.default as { __esModule?: unknown; default?: unknown } | null | undefined;
	return typeof outer === "object" && outer?.__esModule === true ? outer.default : outer;
}

/** What to do about an ES module in a package of `"type": "commonjs"` (`npm init`). `undefined` for other errors. */
export function explainModuleType({ message, stack = "" }: ErrorInfo): string | undefined {
	if (!ES_MODULE_SYNTAX.test(message)) return undefined;
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
