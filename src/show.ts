import { attempt } from "./errors.ts";

/** Characters: of a longer text a reader needs no more to know which one is meant. */
const MAX_LENGTH = 120;
const MAX_PATH_LENGTH = 1_000;

/** What a terminal or a reader of lines would act on: control characters, line ends, changes of the direction. */
const ACTIVE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Any value in a message to the user: quoted if it is text, on one line, never long, without characters that a terminal acts
 * on. Never throws.
 */
export function show(value: unknown): string {
	const text = plain(attempt(() => describe(value)) ?? "something odd");
	return clip(text, MAX_LENGTH);
}

/** A name in a path such as `jobs.web.env`: as it is, unless it is odd. */
export function showKey(key: unknown): string {
	const text = String(key);
	return /^[!#-~]{1,64}$/.test(text) ? text : show(text);
}

/** A path, or a list of them, without quotes. */
export function showPath(path: string): string {
	return clip(plain(path), MAX_PATH_LENGTH);
}

/** Somebody else's text as it may be printed: whatever is in it, it stays on its line. */
export function plain(text: string): string {
	return text.replace(
		ACTIVE,
		(found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}

function describe(value: unknown): string {
	if (typeof value === "string")
		return JSON.stringify(value.slice(0, MAX_LENGTH + 1));
	if (typeof value !== "object" || value === null) return String(value);
	// Circular objects and those with a bigint have no JSON.
	return (
		attempt(() => JSON.stringify(value)) ??
		Object.prototype.toString.call(value)
	);
}

function clip(text: string, length: number): string {
	return text.length <= length ? text : `${text.slice(0, length)}…`;
}
