/** The code blocks of README.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";

const BLOCK = /^```(\w+)\n(.*?)^```$/gms;

/** A block that is a file begins with a comment that names the file. */
const FILE_NAME = /^(?:\/\/|#) ([\w./-]*\w)/;
const LANGUAGES_OF_FILES = ["dockerfile", "js", "ts"];

interface Block {
	readonly language: string;
	readonly text: string;
}

export function readmeBlocks(language: string): string[] {
	return allBlocks()
		.filter((block) => block.language === language)
		.map(({ text }) => text);
}

/** Every file that README.md shows, by its name. Throws if a block of code has no name. */
export function readmeFiles(): Record<string, string> {
	const files: Record<string, string> = {};
	for (const { language, text } of allBlocks()) {
		if (!LANGUAGES_OF_FILES.includes(language)) continue;
		const [, name] = FILE_NAME.exec(text) ?? [];
		if (name === undefined) throw new Error(`Expected a comment with a file's name before:\n${text}`);
		files[name] = text;
	}
	return files;
}

function allBlocks(): Block[] {
	const page = readFileSync(join(root, "README.md"), "utf8");
	return [...page.matchAll(BLOCK)].map(([, language = "", text = ""]) => ({ language, text }));
}
