/**
 * `scripts/node scripts/architecture.ts`: writes the table of docs/architecture.md, a line for each source file. Its words are the
 * first sentence of the file's first comment.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib/paths.ts";

const PAGE = join(root, "docs/architecture.md");
const HEADING = "## Every source file\n";

/** The page with its table made anew. */
export function renderPage(): string {
	const page = readFileSync(PAGE, "utf8");
	const start = page.indexOf(HEADING) + HEADING.length;
	const end = page.indexOf("\n## ", start);
	return `${page.slice(0, start)}\n${renderTable()}${page.slice(end)}`;
}

export function renderTable(): string {
	const files = globSync("**/*.ts", { cwd: join(root, "src") }).sort(byFolder);
	const rows = files.map((file) => `| \`${file}\` | ${firstSentence(file)} |`);
	return `${["| file | what it is |", "|---|---|", ...rows].join("\n")}\n`;
}

/** Files directly in src/ come first. */
function byFolder(a: string, b: string): number {
	const depth = (file: string) => Number(file.includes("/"));
	return depth(a) - depth(b) || (a < b ? -1 : 1);
}

/** @throws if the file has no first comment, or that has no sentence. */
function firstSentence(file: string): string {
	const text = readFileSync(join(root, "src", file), "utf8");
	const [, comment = ""] = /^(?:#![^\n]*\n)?\/\*\*(.*?)\*\//s.exec(text) ?? [];
	const line = comment
		.replaceAll(/\n \* ?/g, " ")
		.replaceAll(/\s+/g, " ")
		.trim();
	const [sentence = ""] = /^.*?(?:[.?](?= |$)|$)/.exec(line) ?? [];
	const words = line.slice(0, sentence.length).replace(/[.]$/, "");
	if (words === "")
		throw new Error(
			`Cannot describe src/${file}: found no comment at its beginning, expected a sentence that says what the file is`,
		);
	return words.replaceAll("|", "\\|");
}

if (import.meta.main) writeFileSync(PAGE, renderPage());
