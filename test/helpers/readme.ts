/** The code blocks of README.md, and of pages that show whole files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";

const BLOCK = /^```(\w+)\n(.*?)^```$/gms;

/** A block that is a file begins with a comment that names the file. */
const FILE_NAME = /^(?:\/\/|#) ([\w./-]*\w)/;
const LANGUAGES_OF_FILES = ["dockerfile", "js", "jsonc", "ts", "yaml"];

interface Block {
	readonly language: string;
	readonly text: string;
}

export function readmeBlocks(language: string): string[] {
	return blocksOf(readPage("README.md"))
		.filter((block) => block.language === language)
		.map(({ text }) => text);
}

/** Every file that README.md shows, by its name. Throws if a block of code has no name. */
export function readmeFiles(): Record<string, string> {
	return filesOf(readPage("README.md"));
}

/** Every file that each recipe of docs/recipes.md shows, by the recipe's heading. Throws if a block of code has no name. */
export function recipes(): Record<string, Record<string, string>> {
	const [, ...sections] = readPage("docs/recipes.md").split(/^## /m);
	return Object.fromEntries(sections.map((section) => [section.slice(0, section.indexOf("\n")), filesOf(section)]));
}

function filesOf(page: string): Record<string, string> {
	const files: Record<string, string> = {};
	for (const { language, text } of blocksOf(page)) {
		if (!LANGUAGES_OF_FILES.includes(language)) continue;
		const [, name] = FILE_NAME.exec(text) ?? [];
		if (name === undefined) throw new Error(`Expected a comment with a file's name before:\n${text}`);
		files[name] = text;
	}
	return files;
}

function readPage(path: string): string {
	return readFileSync(join(root, path), "utf8");
}

function blocksOf(page: string): Block[] {
	return [...page.matchAll(BLOCK)].map(([, language = "", text = ""]) => ({ language, text }));
}
