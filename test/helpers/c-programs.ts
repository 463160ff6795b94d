import { chmodSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../scripts/lib/command.ts";
import { makeDirectory, type TestDirectory } from "./directory.ts";

const SOURCES = join(import.meta.dirname, "../fixtures/c");

/** Compiles programs of test/fixtures/c into a directory; static, so that they run in any container. */
export async function compile(...names: string[]): Promise<TestDirectory> {
	const directory = makeDirectory();
	chmodSync(directory.path, 0o755);
	for (const name of names) {
		const output = join(directory.path, name);
		const source = join(SOURCES, `${name}.c`);
		await must("gcc", ["-O2", "-static", "-o", output, source]);
	}
	return directory;
}
