/** A copy of this checkout without anything that is built, to build in it or to change it. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { type CommandOptions, type CommandResult, must, run } from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import { makeDirectory, type TestDirectory } from "./directory.ts";

/** Built, installed, or not part of what is built. */
const LEFT_OUT = new Set([".git", ".cache", "bench", "dist", "dist-sea", "node_modules", "test"]);

export class CleanCopy implements Disposable {
	readonly path: string;
	readonly #directory: TestDirectory;

	/** @param name Of its folder, which lies in a temporary one. */
	static async make(name: string): Promise<CleanCopy> {
		const directory = makeDirectory();
		const path = join(directory.path, name);
		for (const entry of readdirSync(root).filter((entry) => !LEFT_OUT.has(entry)))
			cpSync(join(root, entry), join(path, entry), {
				recursive: true,
				// scripts/node compares dates.
				preserveTimestamps: true,
				filter: (from) => !from.endsWith("/node_modules"),
			});
		await must("cp", ["-a", join(root, "node_modules"), path]);
		return new CleanCopy(directory, path);
	}

	private constructor(directory: TestDirectory, path: string) {
		this.#directory = directory;
		this.path = path;
	}

	/** Runs a command of scripts/release.ts. */
	release(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
		const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
		return run(process.execPath, [join(this.path, "scripts/release.ts"), ...args], {
			cwd: this.path,
			timeout: 120_000,
			...options,
			env: { PATH, GITHUB_REPOSITORY: undefined, ...options.env },
		});
	}

	read(file: string): string {
		return readFileSync(join(this.path, file), "utf8");
	}

	/** Replaces a text in a file, which has to be there. */
	replace(file: string, text: string | RegExp, by: string): void {
		const path = join(this.path, file);
		const before = existsSync(path) ? readFileSync(path, "utf8") : "";
		const after = before.replace(text, by);
		if (after === before) throw new Error(`Cannot replace "${text}": it is not in ${file}`);
		writeFileSync(path, after);
	}

	[Symbol.dispose](): void {
		this.#directory[Symbol.dispose]();
	}
}
