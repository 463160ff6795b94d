/**
 * Kinds of field, each with messages that say what was found, what is expected, and what was probably meant.
 */

import { show } from "../base/errors.ts";
import { explainBadDuration, parseDuration } from "../base/time.ts";
import { suggest } from "./suggest.ts";
import * as v from "./validator.ts";

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

/** What the kernel takes: its strings end at the first NUL. */
const systemText = v.pipe(
	v.string(explain),
	v.check((text) => !text.includes("\0"), "has a NUL character, expected text without one"),
);

export const text = v.pipe(systemText, v.nonEmpty("is empty, expected some text"));

/** MAX_ARG_STRLEN of the kernel, without the NUL at its end. */
const MAX_ARGUMENT_BYTES = 131_071;

/** One argument of a program, or the value of an environment variable. May be empty. */
export const argument = v.pipe(
	systemText,
	v.maxBytes(
		MAX_ARGUMENT_BYTES,
		({ received }) =>
			`found ${received} bytes, expected at most ${MAX_ARGUMENT_BYTES} (the kernel takes no longer text)`,
	),
);

const OMITTED = ["__proto__", "constructor", "prototype"];

/** Environment variables. */
export const environment = objectOnly(
	v.pipe(
		alsoTelling(
			v.record(v.string(), argument, explain),
			// The validator leaves them out in silence.
			(keys) => keys.filter((key) => OMITTED.includes(key)),
			(key) => `found the name ${show(key)}, which is JavaScript's own, expected another one`,
		),
		v.rawCheck(({ dataset, addIssue }) => {
			if (!dataset.typed) return;
			for (const name of Object.keys(dataset.value))
				if (!/^[^=\0]+$/.test(name))
					addIssue({
						message: `found the name ${show(name)}, expected one without "=" and NUL, and not empty`,
					});
		}),
	),
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
		const found = `found ${show(input)}, expected one of ${words.join(", ")}`;
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
	const remarkOn = (name: string) => (Object.hasOwn(remarks, name) ? remarks[name] : undefined);
	const schema = v.strictObject(entries, (issue) => {
		if (issue.expected === "never") {
			const name = String(issue.input);
			return remarkOn(name) ?? `no such field${suggest(name, Object.keys(entries))}`;
		}
		if (issue.expected === "Object") return explain(issue);
		const name = issue.expected?.replaceAll('"', "") ?? "";
		return remarkOn(name) ?? "missing";
	});
	return objectOnly(tellingAllUnknown(schema));
}

/** The validator stops at the first field that it does not know. */
function tellingAllUnknown<Schema extends v.GenericSchema & { entries: v.ObjectEntries }>(schema: Schema): Schema {
	return alsoTelling(schema, (keys) => keys.filter((key) => !(key in schema.entries)).slice(1));
}

/**
 * A schema of objects that has more to say.
 *
 * @param choose Of which keys of an object.
 * @param say What it says. @default what the schema says of a field that it does not know
 */
function alsoTelling<Schema extends v.GenericSchema>(
	schema: Schema,
	choose: (keys: string[]) => string[],
	say?: (key: string) => string,
): Schema {
	const run = schema["~run"];
	return Object.assign(schema, {
		"~run"(...[dataset, config]: Parameters<typeof run>) {
			const input = dataset.value;
			const result = run.call(schema, dataset, config);
			if (typeof input !== "object" || input === null) return result;
			for (const key of choose(Object.keys(input))) {
				const context = say ? { ...schema, message: say(key) } : schema;
				const value = input[key as keyof typeof input];
				const at = { type: "object", origin: "key", input, key, value };
				const issue = { input: key, expected: "never", path: [at] };
				v._addIssue(context as never, "key", result, config, issue as never);
			}
			return result;
		},
	});
}

/** The validator takes an array for an object: `env: ["A=B"]` would be the variable 0. */
export function objectOnly<Schema extends v.GenericSchema & { message?: unknown }>(schema: Schema): Schema {
	const run = schema["~run"];
	return Object.assign(schema, {
		"~run"(...[dataset, config]: Parameters<typeof run>) {
			if (!Array.isArray(dataset.value)) return run.call(schema, dataset, config);
			const expects = { ...schema, expects: "Object", message: explain };
			v._addIssue(expects, "type", dataset, config);
			return dataset;
		},
	});
}

export function explain(issue: v.BaseIssue<unknown>): string {
	const { expected, input } = issue;
	const unquoted = expected === "string" && (typeof input === "number" || typeof input === "boolean");
	return `found ${foundIn(issue)}, expected ${expected === "Array" ? "a list" : expected}${unquoted ? ` (in quotes: "${input}")` : ""}`;
}

/** What stands in the place of a value: text as it is, of anything else the kind. */
export function foundIn({ input, received }: v.BaseIssue<unknown>): string {
	return typeof input === "string" ? show(input) : received;
}
