import { type CommandOptions, type CommandResult, run } from "../../scripts/lib/command.ts";
import { MAIN } from "./main.ts";

/** Runs `lastcall` to its end. */
export function lastcall(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
	return run(process.execPath, [MAIN, ...args], options);
}
