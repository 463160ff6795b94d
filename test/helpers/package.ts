/** The package as its users get it: packed, and installed into an empty project. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { type CommandOptions, type CommandResult, must, run } from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import { makeDirectory, type TestDirectory } from "./directory.ts";

/** Whatever asks for `node` by PATH gets the one that runs this test. */
const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

/** A project that has the package, and these files. Use with `using`. */
export class PackageProject implements Disposable {
	readonly path: string;
	/** Every file of the tarball, sorted. */
	readonly packed: readonly string[];
	readonly #directory: TestDirectory;

	/** @param files Without a package.json among them the project gets that of `npm init -y`. */
	static async install(files: Readonly<Record<string, string>>): Promise<PackageProject> {
		const project = makeDirectory(files);
		try {
			const { file, paths } = await packPackage(project.path);
			await addPackage(project.path, file);
			return new PackageProject(project, paths);
		} catch (error) {
			project[Symbol.dispose]();
			throw error;
		}
	}

	private constructor(directory: TestDirectory, packed: readonly string[]) {
		this.#directory = directory;
		this.path = directory.path;
		this.packed = packed;
	}

	/** Runs a command in the project. */
	run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
		return run(command, args, { cwd: this.path, env, ...options });
	}

	/** Writes files into the project, by their names. */
	write(files: Readonly<Record<string, string>>): void {
		for (const [name, text] of Object.entries(files)) {
			mkdirSync(dirname(join(this.path, name)), { recursive: true });
			writeFileSync(join(this.path, name), text);
		}
	}

	/** The environment of the project's commands. */
	get env(): NodeJS.ProcessEnv {
		return { ...process.env, ...env };
	}

	[Symbol.dispose](): void {
		this.#directory[Symbol.dispose]();
	}
}

/**
 * Packs dist/ as it is: to build it here would take it from under other tests.
 *
 * @returns The tarball's name in the directory, and every path in it, sorted.
 */
export async function packPackage(
	directory: string,
): Promise<{ readonly file: string; readonly paths: readonly string[] }> {
	if (!existsSync(join(root, "dist/main.cjs"))) throw new Error("Cannot pack: found no dist/, npm run build makes it");
	const pack = ["pack", "--json", "--ignore-scripts"];
	const target = ["--pack-destination", directory];
	const packed = await must("npm", [...pack, ...target], { cwd: root, env });
	const [{ filename, files }] = JSON.parse(packed);
	const paths = files.map((file: { path: string }) => file.path);
	return { file: filename, paths: paths.sort() };
}

/** `npm init -y`, unless there is a package.json, and `npm install` of the package. */
export async function addPackage(directory: string, tarball: string): Promise<void> {
	const options = { cwd: directory, env, timeout: 120_000 };
	if (!existsSync(join(directory, "package.json"))) await must("npm", ["init", "-y"], options);
	const install = ["install", "--prefer-offline", "--ignore-scripts"];
	const quietly = ["--no-audit", "--no-fund", "--no-update-notifier"];
	await must("npm", [...install, ...quietly, tarball], options);
}
