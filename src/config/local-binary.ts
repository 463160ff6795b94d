/** A project's own programs: `next` of `node_modules/.bin`, as in the scripts of package.json. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { attempt } from "../errors.ts";

/** What marks the root of a project, the surest first: a workspace has several package.json, and one lock file. */
const ROOT_MARKS = [
	[
		".git",
		"bun.lock",
		"npm-shrinkwrap.json",
		"package-lock.json",
		"pnpm-lock.yaml",
		"yarn.lock",
	],
	["package.json"],
];

/**
 * Finds a program in `node_modules/.bin` of a folder, or of one above it in the same project.
 *
 * Not all folders up to `/`, and not for the job's environment: what stands above a project is somebody else's.
 *
 * @returns Its absolute path.
 */
export function findLocalBinary(
	program: string,
	folder: string,
): string | undefined {
	const folders = foldersUpTo(findRoot(folder), folder);
	return folders
		.map((at) => join(at, "node_modules/.bin", program))
		.find(isExecutable);
}

export function isExecutable(file: string): boolean {
	return (
		attempt(() => {
			accessSync(file, constants.X_OK);
			return statSync(file).isFile();
		}) ?? false
	);
}

function findRoot(folder: string): string {
	const above = foldersUpTo("/", folder);
	const has = (at: string) => (name: string) => existsSync(join(at, name));
	for (const marks of ROOT_MARKS) {
		const root = above.find((at) => marks.some(has(at)));
		if (root !== undefined) return root;
	}
	return folder;
}

/** A folder and those above it, as far as another one. */
function foldersUpTo(last: string, folder: string): string[] {
	const folders = [folder];
	for (let at = folder; at !== last && at !== dirname(at); ) {
		at = dirname(at);
		folders.push(at);
	}
	return folders;
}
