import { parseArgs } from "node:util";
import { readDuration } from "../duration.ts";
import { UserError } from "../errors.ts";

export type Command =
	| { readonly type: "help" | "version" }
	/** Anything else: a program in the foreground, with the flags for it. */
	| { readonly type: "exec" }
	| {
			readonly type: "run";
			readonly config: string | undefined;
			readonly stopTimeoutMs: number | undefined;
	  };

/** @throws {UserError} that says which argument is wrong, and what was expected. */
export function parseCommand(args: readonly string[]): Command {
	const [first, ...rest] = args;
	switch (first) {
		case "-h":
		case "--help":
		case "help":
			return { type: "help" };
		case "--version":
			return { type: "version" };
		case "run":
			return parseRun(rest);
		default:
			return { type: "exec" };
	}
}

function parseRun(args: string[]): Command {
	const { values, positionals } = parseStrictly(args);
	if (values.help) return { type: "help" };
	if (positionals.length > 1)
		throw new UserError(
			`Cannot run ${positionals.length} configurations (${positionals.join(", ")}), expected at most one`,
		);
	return {
		type: "run",
		config: positionals[0],
		stopTimeoutMs: readDuration("--stop-timeout", values["stop-timeout"]),
	};
}

function parseStrictly(args: string[]) {
	try {
		return parseArgs({
			args,
			allowPositionals: true,
			options: {
				"stop-timeout": { type: "string" },
				help: { type: "boolean", short: "h" },
			},
		});
	} catch (error) {
		throw new UserError(
			`Cannot use the arguments of run: ${(error as Error).message}`,
		);
	}
}
