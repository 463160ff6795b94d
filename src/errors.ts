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
				name: clip(String(name)),
				message: clip(String(message)),
				...(typeof stack === "string" && { stack: clip(stack) }),
				...(typeof code === "string" && { code: clip(code) }),
			};
		}
		return { name: "Error", message: `Thrown value: ${clip(String(thrown))}` };
	} catch {
		// A getter or toString() of the thrown value threw in its turn.
		return { name: "Error", message: "Thrown value cannot be described" };
	}
}

function clip(text: string): string {
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
