import { join } from "node:path";

const PROGRAMS = join(import.meta.dirname, "../fixtures/programs");

/** The command that runs a program of test/fixtures/programs. */
export function program(file: string, ...args: unknown[]): string[] {
	const interpreter = /\.c?js$/.test(file) ? process.execPath : "/bin/sh";
	return [interpreter, join(PROGRAMS, file), ...args.map(String)];
}

/** A shell script. */
export function shell(script: string): string[] {
	return ["/bin/sh", "-c", script];
}
