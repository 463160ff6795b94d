import { loadPackage } from "../packages.ts";

/** YAML 1.2, in which `no` is a word and not a truth value. Throws an error that shows the line. */
export function parseYaml(text: string): unknown {
	const { isScalar, LineCounter, parseDocument, visit } = loadPackage("yaml");
	const lineCounter = new LineCounter();
	// The package compares each key with all before it: with 40,000 of them the init would be deaf for seconds.
	const document = parseDocument(text, { uniqueKeys: false, lineCounter });
	// A warning is a tag that nobody knows: `!secret x` would be taken for "x".
	const [mistake] = [...document.errors, ...document.warnings];
	if (mistake) throw mistake;
	visit(document, {
		Map(_, { items }) {
			const seen = new Set<unknown>();
			for (const { key } of items) {
				const name = isScalar(key) ? key.value : key;
				if (seen.has(name)) {
					const [offset = 0] = (isScalar(key) && key.range) || [];
					const { line } = lineCounter.linePos(offset);
					throw new Error(
						`Map keys must be unique: found ${String(name)} again at line ${line}`,
					);
				}
				seen.add(name);
			}
		},
	});
	return document.toJS();
}
