/**
 * What a module exports by default. TypeScript makes of `export default` in CommonJS an `exports.default` beside `exports.__esModule`,
 * which an import() finds one level deeper.
 */
export function defaultExport(module: { default?: unknown }): unknown {
	const outer = module.default as
		| { __esModule?: unknown; default?: unknown }
		| null
		| undefined;
	return typeof outer === "object" && outer?.__esModule === true
		? outer.default
		: outer;
}
