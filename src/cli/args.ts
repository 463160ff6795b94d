import { readDuration } from "../duration.ts";
import { UserError } from "../errors.ts";

export type Command =
	| { readonly type: "help" | "version" }
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
		case undefined:
			throw new UserError("No command given, expected: lastcall run [CONFIG]");
		default:
			throw new UserError(
				`Unknown command ${JSON.stringify(first)}, expected: lastcall run [CONFIG]`,
			);
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
	// Not by an import: see os/stderr.ts.
	const { parseArgs } = process.getBuiltinModule("node:util");
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
