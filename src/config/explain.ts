/** What is wrong with a value of the configuration, in words: what was found, and what was expected. */
import { show } from "../base/errors.ts";
import { explainBadDuration } from "../base/time.ts";

/** Of valibot's. */
type Issue = Readonly<{ input: unknown; expected: string | null; received: string }>;

export function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const expecting =
	(what: string) =>
	({ input }: { input: unknown }) =>
		`found ${input}, expected ${what}`;

export function explainDuration({ input }: { input: unknown }): string {
	return `${explainBadDuration(input)}, expected a duration such as "10s"`;
}

export function explain(issue: Issue): string {
	const { expected, input } = issue;
	const unquoted = expected === "string" && (typeof input === "number" || typeof input === "boolean");
	const hint = unquoted ? ` (in quotes: "${input}")` : "";
	return `found ${foundIn(issue)}, expected ${expected === "Array" ? "a list" : expected}${hint}`;
}

/** The value that was found if it is text, else its type. */
export function foundIn({ input, received }: Issue): string {
	return typeof input === "string" ? show(input) : received;
}
