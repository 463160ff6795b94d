/** Runs a script of dist/ from its bytecode. */
import { attempt } from "./errors.ts";

/**
 * Runs a script of dist/, from the bytecode that the build has kept beside it: to compile it would take longer than to read both.
 * Bytecode of another version of V8 is refused by V8, which then compiles.
 *
 * @param file Absolute path of a .cjs file; it is ASCII, and the very text that the bytecode was made of.
 * @returns What it evaluates to: a function.
 */
export function runScript(file: string): (...args: unknown[]) => void {
	const { readFileSync } = process.getBuiltinModule("node:fs");
	const { Script } = process.getBuiltinModule("node:vm");
	const bytecode = file.replace(/\.cjs$/, ".bytecode");
	const cachedData = attempt(() => readFileSync(bytecode));
	const script = new Script(readFileSync(file, "latin1"), {
		filename: file,
		...(cachedData && { cachedData }),
	});
	return script.runInThisContext();
}
