/**
 * Kinds of field, each with messages that say what was found, what is expected, and what was probably meant. The only file
 * that names the validator's package; the others have it from here.
 */
import * as v from "valibot";
import { explainBadDuration, parseDuration } from "../duration.ts";
import { suggest } from "./suggest.ts";

export { v };

const DURATION = /^(\d+(\.\d+)?(ms|s|m|h))+$/;

/** Milliseconds. */
export const duration = v.pipe(
	v.string(explainDuration),
	v.regex(DURATION, explainDuration),
	v.check((text) => parseDuration(text) !== undefined, explainDuration),
	v.transform((text) => parseDuration(text) ?? 0),
);

function explainDuration({ input }: { input: unknown }): string {
	return `${explainBadDuration(input)}, expected a duration such as "10s"`;
}

/** Whatever a thread can be given. */
export const cloneable = v.pipe(
	v.unknown(),
	v.rawCheck(({ dataset, addIssue }) => {
		try {
			structuredClone(dataset.value);
		} catch (error) {
			addIssue({
				message: `${(error as Error).message}, expected plain data (a thread gets a copy)`,
			});
		}
	}),
);

export const text = v.pipe(
	v.string(explain),
	v.nonEmpty("is empty, expected some text"),
);

export const wholeNumber = (min: number, max: number) =>
	v.pipe(
		v.number(explain),
		v.integer(({ input }) => `found ${input}, expected a whole number`),
		v.minValue(min, ({ input }) => `found ${input}, expected at least ${min}`),
		v.maxValue(max, ({ input }) => `found ${input}, expected at most ${max}`),
	);

/** One of some words. */
export function choice<const Words extends readonly string[]>(words: Words) {
	return v.picklist(words, ({ input }) => {
		const found = `found ${JSON.stringify(input)}, expected one of ${words.join(", ")}`;
		return found + (typeof input === "string" ? suggest(input, words) : "");
	});
}

/**
 * An object with these fields and no others.
 *
 * @param remarks What to say of a field that is missing, or would be right in another place.
 */
export function fields<const Entries extends v.ObjectEntries>(
	entries: Entries,
	remarks: Readonly<Record<string, string>> = {},
) {
	return v.strictObject(entries, (issue) => {
		if (issue.expected === "never") {
			const name = String(issue.input);
			return (
				remarks[name] ?? `no such field${suggest(name, Object.keys(entries))}`
			);
		}
		if (issue.received !== "undefined") return explain(issue);
		const name = issue.expected?.replaceAll('"', "") ?? "";
		return remarks[name] ?? "missing";
	});
}

export function explain(issue: v.BaseIssue<unknown>): string {
	const { received, expected, input } = issue;
	const unquoted =
		expected === "string" &&
		(typeof input === "number" || typeof input === "boolean");
	return `found ${received}, expected ${expected}${unquoted ? ` (in quotes: "${input}")` : ""}`;
}
