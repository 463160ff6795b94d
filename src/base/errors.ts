/** Errors, and texts for messages: a mistake of the user, an error as plain data, values as a message may show them. */

/**
 * A mistake of the user: printed as one message without a stack trace, and found before anything is started.
 * Every other error is a bug of ours and keeps its stack.
 */
export class UserError extends Error {
	override readonly name = "UserError";
}

/** Compares the name, not the class: each bundle (dist/main.cjs, and what it loads) has its own class. */
export function isUserError(error: unknown): error is UserError {
	return error instanceof Error && error.name === "UserError";
}

/** What is kept of an error when it crosses a thread or goes into a log record. */
export interface ErrorInfo {
	readonly name: string;
	readonly message: string;
	readonly stack?: string;
	readonly code?: string;
}

/** The characters kept of a message or a stack: nobody reads more, and a log record must not grow without bound. */
const TEXT_LENGTH = 16 * 1024;
/** At least the length of the note at the end of a clipped text. */
const CLIPPED_NOTE_LENGTH = 64;

/** Turns whatever was thrown (anything can be) into plain data of at most about 50 KB. Never throws. */
export function errorInfo(thrown: unknown): ErrorInfo {
	try {
		if (!(thrown instanceof Error)) return { name: "Error", message: `Thrown value: ${clipped(String(thrown))}` };
		const { name, message, stack, code } = thrown as NodeJS.ErrnoException;
		return {
			name: clipped(String(name)),
			message: clipped(String(message)),
			...(typeof stack === "string" && { stack: clipped(stack) }),
			...(typeof code === "string" && { code: clipped(code) }),
		};
	} catch {
		// A getter or toString() of the thrown value has thrown, too.
		return { name: "Error", message: "Thrown value cannot be described" };
	}
}

/** The beginning of a text that may be long. A text that was clipped before stays as it is. */
export function clipped(text: string): string {
	const over = text.length - TEXT_LENGTH;
	return over <= CLIPPED_NOTE_LENGTH ? text : `${text.slice(0, TEXT_LENGTH)}… (${over} more characters)`;
}

/** Runs an action whose failure is expected and means "nothing there": a process that is gone, a hidden /proc. */
export function attempt<T>(action: () => T): T | undefined {
	try {
		return action();
	} catch {
		return undefined;
	}
}

/** In characters. A reader recognizes a longer text by its beginning. */
const SHOWN_LENGTH = 120;
const SHOWN_PATH_LENGTH = 1_000;

/** What a terminal or a reader of lines would act on: control characters, line ends, changes of text direction. */
const ACTIVE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Any value in a message to the user: text in quotes, on one line, never long, without characters that a terminal acts
 * on. Never throws.
 */
export function show(value: unknown): string {
	return clip(plain(attempt(() => describe(value)) ?? "something odd"), SHOWN_LENGTH);
}

/** A name in a path such as `jobs.web.env`: without quotes, unless it is odd. */
export function showKey(key: unknown): string {
	const text = String(key);
	return /^[!#-~]{1,64}$/.test(text) ? text : show(text);
}

/** A path, or a list of them, without quotes. */
export function showPath(path: string): string {
	return clip(plain(path), SHOWN_PATH_LENGTH);
}

/** Escapes what a terminal or a reader of lines would act on: the text stays on its line. */
export function plain(text: string): string {
	return text.replace(ACTIVE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function describe(value: unknown): string {
	if (typeof value === "string") return JSON.stringify(value.slice(0, SHOWN_LENGTH + 1));
	if (typeof value !== "object" || value === null) return String(value);
	// Circular objects and those with a bigint have no JSON.
	return attempt(() => JSON.stringify(value)) ?? Object.prototype.toString.call(value);
}

function clip(text: string, length: number): string {
	return text.length <= length ? text : `${text.slice(0, length)}…`;
}
