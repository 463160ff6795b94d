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

/** Turns whatever was thrown (anything can be) into plain data; never throws itself. */
export function errorInfo(thrown: unknown): ErrorInfo {
	try {
		if (thrown instanceof Error) {
			const { name, message, stack } = thrown;
			const code = (thrown as NodeJS.ErrnoException).code;
			return {
				name: String(name),
				message: String(message),
				...(typeof stack === "string" && { stack }),
				...(typeof code === "string" && { code }),
			};
		}
		return { name: "Error", message: `Thrown value: ${String(thrown)}` };
	} catch {
		// A getter or toString() of the thrown value threw in its turn.
		return { name: "Error", message: "Thrown value cannot be described" };
	}
}

/** Runs an action whose failure is expected and means "nothing there": a vanished process, a hidden /proc. */
export function attempt<T>(action: () => T): T | undefined {
	try {
		return action();
	} catch {
		return undefined;
	}
}
