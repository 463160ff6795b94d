/** The package as its users get it: built, packed, and installed into an empty project. */
import { cpSync, readdirSync, symlinkSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import {
	type CommandOptions,
	type CommandResult,
	must,
	run,
} from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import { makeDirectory, type TestDirectory } from "./directory.ts";

const LEFT_OUT = ["node_modules", "dist", ".git", ".cache"];

/** Whatever asks for `node` by PATH gets the one that runs this test. */
const env = {
	PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
};

/** A project that has the package, and these files. Use with `using`. */
export class PackageProject implements Disposable {
	readonly path: string;
	/** Every file of the tarball, sorted. */
	readonly packed: readonly string[];
	readonly #directory: TestDirectory;

	static async install(
		files: Readonly<Record<string, string>>,
	): Promise<PackageProject> {
		using copy = await buildCopy();
		const project = makeDirectory(files);
		try {
			const pack = ["pack", "--json", "--ignore-scripts"];
			const target = ["--pack-destination", project.path];
			const packed = await must("npm", [...pack, ...target], {
				cwd: copy.path,
				env,
			});
			const [tarball] = JSON.parse(packed);
			const install = ["install", "--prefer-offline", "--ignore-scripts"];
			const quietly = ["--no-audit", "--no-fund", "--no-update-notifier"];
			await must("npm", [...install, ...quietly, tarball.filename], {
				cwd: project.path,
				env,
				timeout: 120_000,
			});
			const paths = tarball.files.map((file: { path: string }) => file.path);
			return new PackageProject(project, paths.sort());
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
	run(
		command: string,
		args: readonly string[],
		options: CommandOptions = {},
	): Promise<CommandResult> {
		return run(command, args, { cwd: this.path, env, ...options });
	}

	/** The environment of the project's commands. */
	get env(): NodeJS.ProcessEnv {
		return { ...process.env, ...env };
	}

	[Symbol.dispose](): void {
		this.#directory[Symbol.dispose]();
	}
}

/** Builds a copy: dist/ of the checkout stays as it is for whoever else uses it now. */
async function buildCopy(): Promise<TestDirectory> {
	const copy = makeDirectory();
	for (const name of readdirSync(root)) {
		if (LEFT_OUT.includes(name)) continue;
		cpSync(join(root, name), join(copy.path, name), {
			recursive: true,
			filter: (path) => !LEFT_OUT.includes(basename(path)),
		});
	}
	symlinkSync(join(root, "node_modules"), join(copy.path, "node_modules"));
	await must(process.execPath, ["scripts/build.ts"], { cwd: copy.path, env });
	return copy;
}
