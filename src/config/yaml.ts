import { loadPackage } from "../packages.ts";

/** YAML 1.2, in which `no` is a word and not a truth value. Throws an error that shows the line. */
export function parseYaml(text: string): unknown {
	const { parseDocument } = loadPackage("yaml");
	const document = parseDocument(text);
	// A warning is a tag that nobody knows: `!secret x` would be taken for "x".
	const [mistake] = [...document.errors, ...document.warnings];
	if (mistake) throw mistake;
	return document.toJS();
}
