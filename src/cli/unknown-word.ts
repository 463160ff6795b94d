/** What is said when the first word is neither a command nor a program that can be found. */
import { UserError } from "../errors.ts";
import { plain, show } from "../show.ts";
import { SUBCOMMANDS } from "./args.ts";

const EXIT_NOT_FOUND = 127;

/**
 * @param hasCommands Whether the subcommands are there: the single executable has none.
 * @returns The exit code.
 * @throws {UserError} if a command was probably meant.
 */
export async function answerUnknownWord(
	word: string,
	hasCommands: boolean,
): Promise<number> {
	const command = hasCommands ? await closestCommand(word) : undefined;
	if (command !== undefined)
		throw new UserError(
			`Cannot run ${show(word)}: found no such program, did you mean "lastcall ${command}"? (For a program of that name: lastcall -- ${plain(word)})`,
		);
	console.error(
		`lastcall: Cannot run ${show(word)}: found no such program; lastcall --help lists the commands`,
	);
	return EXIT_NOT_FOUND;
}

async function closestCommand(word: string): Promise<string | undefined> {
	// Not on the way of a program that can be found.
	const { closest } = await import("../config/suggest.ts");
	return closest(word, [...SUBCOMMANDS, "help"]);
}
