import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The licences of packages that are in dist/, one after the other. Throws if one has none. */
export function licensesOf(directories: readonly string[]): string {
	return directories.map(licenseOf).join("\n");
}

function licenseOf(directory: string): string {
	const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
	const [file] = globSync("{LICEN[SC]E,licen[sc]e}*", { cwd: directory });
	if (!file && !license) throw new Error(`${directory} has no licence`);
	const text = file ? readFileSync(join(directory, file), "utf8") : "";
	return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
