/** Reads a text file, and JSON, as strictly as a configuration deserves: nothing is replaced or dropped in silence. */
import { readFileSync } from "node:fs";
import { show } from "../show.ts";

/** Without the byte order mark that some editors put in front. Throws if it is no UTF-8. */
export function readText(file: string): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
	} catch (error) {
		if (!(error instanceof TypeError)) throw error;
		throw new Error("found bytes that are no UTF-8, expected text in UTF-8");
	}
}

/** JSON.parse(), but for a key that occurs twice: of two jobs with one name it would forget the first. */
export function parseJson(text: string): unknown {
	const value: unknown = JSON.parse(text);
	refuseDuplicateKeys(text);
	return value;
}

const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\]:]/g;

/** @param text JSON that is known to be right. */
function refuseDuplicateKeys(text: string): void {
	/** The keys of each object that is open; an array has none. */
	const open: Set<string>[] = [];
	let last = "";
	for (const { 0: token, index } of text.matchAll(TOKEN)) {
		if (token === "{" || token === "[") open.push(new Set());
		else if (token === "}" || token === "]") open.pop();
		else if (token !== ":") last = token;
		else {
			const key: string = JSON.parse(last);
			const keys = open.at(-1);
			if (keys?.has(key)) {
				const line = text.slice(0, index).split("\n").length;
				throw new SyntaxError(
					`found the key ${show(key)} twice in one object (line ${line})`,
				);
			}
			keys?.add(key);
		}
	}
}
