import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TestDirectory extends Disposable {
	readonly path: string;
}

/** A directory with these files in it, by their names. Use with `using`: it is gone at the end of the block. */
export function makeDirectory(files: Readonly<Record<string, string>> = {}): TestDirectory {
	const path = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(dirname(join(path, name)), { recursive: true });
		writeFileSync(join(path, name), text);
	}
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
