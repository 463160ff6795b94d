import { parse } from "yaml";

/** YAML 1.2, in which `no` is a word and not a truth value. Throws an error that shows the line. */
export function parseYaml(text: string): unknown {
	return parse(text, { logLevel: "error" });
}
