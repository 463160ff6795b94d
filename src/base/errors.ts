/**
 * A mistake of the user: printed as one message without a stack trace, and found before anything is started.
 * Every other error is a bug of ours and keeps its stack.
 */
export class UserError extends Error {
	override readonly name = "UserError";
}

/** By its name: each bundle (dist/main.cjs, and what it loads) has a class of its own. */
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

/** Characters of a message or a stack that are kept: nobody reads more, and a log record has to find room. */
const TEXT_LENGTH = 16 * 1024;

/** Turns whatever was thrown (anything can be) into plain data of at most some 50 KB; never throws itself. */
export function errorInfo(thrown: unknown): ErrorInfo {
	try {
		if (thrown instanceof Error) {
			const { name, message, stack } = thrown;
			const code = (thrown as NodeJS.ErrnoException).code;
			return {
				name: clipped(String(name)),
				message: clipped(String(message)),
				...(typeof stack === "string" && { stack: clipped(stack) }),
				...(typeof code === "string" && { code: clipped(code) }),
			};
		}
		return {
			name: "Error",
			message: `Thrown value: ${clipped(String(thrown))}`,
		};
	} catch {
		// A getter or toString() of the thrown value threw in its turn.
		return { name: "Error", message: "Thrown value cannot be described" };
	}
}

function clipped(text: string): string {
	const over = text.length - TEXT_LENGTH;
	if (over <= 0) return text;
	return `${text.slice(0, TEXT_LENGTH)}… (${over} more characters)`;
}

/** Runs an action whose failure is expected and means "nothing there": a vanished process, a hidden /proc. */
export function attempt<T>(action: () => T): T | undefined {
	try {
		return action();
	} catch {
		return undefined;
	}
}

// ==== from show.ts

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
	return text.replace(ACTIVE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function describe(value: unknown): string {
	if (typeof value === "string") return JSON.stringify(value.slice(0, MAX_LENGTH + 1));
	if (typeof value !== "object" || value === null) return String(value);
	// Circular objects and those with a bigint have no JSON.
	return attempt(() => JSON.stringify(value)) ?? Object.prototype.toString.call(value);
}

function clip(text: string, length: number): string {
	return text.length <= length ? text : `${text.slice(0, length)}…`;
}
