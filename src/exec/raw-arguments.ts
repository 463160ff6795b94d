import { readFileSync } from "node:fs";
import { attempt } from "../errors.ts";

const NUL = 0;
/** What Node.js puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = "\ufffd";

/** The last of our arguments, with their bytes as they came in: Node.js hands them out decoded. */
export function rawArguments(
	args: readonly string[],
): readonly (string | Buffer)[] {
	if (!args.some((arg) => arg.includes(REPLACEMENT))) return args;
	const line = attempt(() => readFileSync("/proc/self/cmdline"));
	if (!line) return args;
	const raw: Buffer[] = [];
	for (let start = 0; start < line.length; ) {
		const end = line.indexOf(NUL, start);
		raw.push(line.subarray(start, end));
		start = end + 1;
	}
	return raw.slice(-args.length);
}
