/** Runs a script of dist/ from the bytecode that the build keeps beside it. */
import { attempt } from "./errors.ts";

/**
 * Runs a script of dist/ from its bytecode: to compile it would take longer than to read both files. V8 refuses the
 * bytecode of another version of V8, and compiles the script.
 *
 * @param file Absolute path of a .cjs file. The file is ASCII, and exactly the text that the bytecode was made of.
 * @returns What the script evaluates to: a function.
 */
export function runScript(file: string): (...args: unknown[]) => void {
	const { readFileSync } = process.getBuiltinModule("node:fs");
	const { Script } = process.getBuiltinModule("node:vm");
	const cachedData = attempt(() => readFileSync(file.replace(/\.cjs$/, ".bytecode")));
	const script = new Script(readFileSync(file, "latin1"), { filename: file, ...(cachedData && { cachedData }) });
	return script.runInThisContext();
}
