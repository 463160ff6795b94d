/**
 * The kinds of field in a configuration. Their messages say what was found, what was expected, and what may be meant.
 */
import { show } from "../base/errors.ts";
import { explainBadDuration, parseDuration } from "../base/time.ts";
import { suggest } from "./suggest.ts";
import * as v from "./validator.ts";

const DURATION = /^(\d+(\.\d+)?(ms|s|m|h))+$/;

/** MAX_ARG_STRLEN of the kernel, without the NUL at the end. */
const MAX_ARGUMENT_BYTES = 131_071;

/** The validator leaves out these keys of a record, and reports nothing. */
const OMITTED = ["__proto__", "constructor", "prototype"];

/** A duration; its output is in milliseconds. */
export const duration = v.pipe(
	v.string(explainDuration),
	v.regex(DURATION, explainDuration),
	v.check((text) => parseDuration(text) !== undefined, explainDuration),
	v.transform((text) => parseDuration(text) ?? 0),
);

function explainDuration({ input }: { input: unknown }): string {
	return `${explainBadDuration(input)}, expected a duration such as "10s"`;
}

/** A value that can be copied to a thread. */
export const cloneable = v.pipe(
	v.unknown(),
	v.rawCheck(({ dataset, addIssue }) => {
		try {
			structuredClone(dataset.value);
		} catch (error) {
			addIssue({ message: `${(error as Error).message}, expected plain data (a thread gets a copy)` });
		}
	}),
);

/** Text for the kernel, where a NUL ends a string. */
const systemText = v.pipe(
	v.string(explain),
	v.check((text) => !text.includes("\0"), "has a NUL character, expected text without one"),
);

export const text = v.pipe(systemText, v.nonEmpty("is empty, expected some text"));

/** An argument of a program, or the value of an environment variable. It may be empty. */
export const argument = v.pipe(
	systemText,
	v.maxBytes(
		MAX_ARGUMENT_BYTES,
		({ received }) => `found ${received} bytes, expected at most ${MAX_ARGUMENT_BYTES} (a limit of the kernel)`,
	),
);

/** Environment variables. */
export const environment = v.pipe(
	objectOnly(
		v.record(v.string(), argument, explain),
		(keys) => keys.filter((key) => OMITTED.includes(key)),
		(key) => `found the name ${show(key)}, which is JavaScript's own, expected another name`,
	),
	v.rawCheck(({ dataset, addIssue }) => {
		if (!dataset.typed) return;
		for (const name of Object.keys(dataset.value))
			if (!/^[^=\0]+$/.test(name))
				addIssue({ message: `found the name ${show(name)}, expected one without "=" and NUL, and not empty` });
	}),
);

const expecting =
	(what: string) =>
	({ input }: { input: unknown }) =>
		`found ${input}, expected ${what}`;

export const number = (min: number, max: number) =>
	v.pipe(
		v.number(explain),
		v.minValue(min, expecting(`at least ${min}`)),
		v.maxValue(max, expecting(`at most ${max}`)),
	);

export const wholeNumber = (min: number, max: number) =>
	v.pipe(number(min, max), v.integer(expecting("a whole number")));

/** One of these words. */
export function choice<const Words extends readonly string[]>(words: Words) {
	return v.picklist(words, ({ input }) => {
		const suggestion = typeof input === "string" ? suggest(input, words) : "";
		return `found ${show(input)}, expected one of ${words.join(", ")}${suggestion}`;
	});
}

/**
 * An object with these fields and no others.
 *
 * @param remarks The message for a field that is missing, or that belongs elsewhere.
 */
export function fields<const Entries extends v.ObjectEntries>(
	entries: Entries,
	remarks: Readonly<Record<string, string>> = {},
) {
	const remarkOn = (name: string) => (Object.hasOwn(remarks, name) ? remarks[name] : undefined);
	const schema = v.strictObject(entries, (issue) => {
		if (issue.expected === "Object") return explain(issue);
		if (issue.expected !== "never") return remarkOn(issue.expected?.replaceAll('"', "") ?? "") ?? "missing";
		const name = String(issue.input);
		return remarkOn(name) ?? `no such field${suggest(name, Object.keys(entries))}`;
	});
	// The validator reports only the first unknown field.
	return objectOnly(schema, (keys) => keys.filter((key) => !(key in entries)).slice(1));
}

/**
 * Makes a schema refuse arrays, which the validator takes for objects: `env: ["A=B"]` would be the variable 0.
 *
 * @param choose Selects more keys of an object to refuse.
 * @param explainKey The message for such a key. @default the schema's message for an unknown field
 */
export function objectOnly<Schema extends v.GenericSchema>(
	schema: Schema,
	choose: (keys: string[]) => string[] = () => [],
	explainKey?: (key: string) => string,
): Schema {
	const run = schema["~run"];
	return Object.assign(schema, {
		"~run"(...[dataset, config]: Parameters<typeof run>) {
			const input = dataset.value;
			if (Array.isArray(input)) {
				v._addIssue({ ...schema, expects: "Object", message: explain }, "type", dataset, config);
				return dataset;
			}
			const result = run.call(schema, dataset, config);
			if (typeof input !== "object" || input === null) return result;
			for (const key of choose(Object.keys(input))) {
				const path = [{ type: "object", origin: "key", input, key, value: input[key as keyof typeof input] }];
				const issue = { input: key, expected: "never", path, message: explainKey?.(key) };
				v._addIssue(schema as never, "key", result, config, issue as never);
			}
			return result;
		},
	});
}

export function explain(issue: v.BaseIssue<unknown>): string {
	const { expected, input } = issue;
	const unquoted = expected === "string" && (typeof input === "number" || typeof input === "boolean");
	const hint = unquoted ? ` (in quotes: "${input}")` : "";
	return `found ${foundIn(issue)}, expected ${expected === "Array" ? "a list" : expected}${hint}`;
}

/** The value that was found if it is text, else its type. */
export function foundIn({ input, received }: v.BaseIssue<unknown>): string {
	return typeof input === "string" ? show(input) : received;
}
