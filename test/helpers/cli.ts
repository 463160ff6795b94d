import { join } from "node:path";
import {
	type CommandOptions,
	type CommandResult,
	run,
} from "../../scripts/lib/command.ts";
import { useCompileCache } from "./compile-cache.ts";

useCompileCache();

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** Runs `lastcall` from the sources to its end. */
export function lastcall(
	args: readonly string[],
	options: CommandOptions = {},
): Promise<CommandResult> {
	return run(process.execPath, [MAIN, ...args], options);
}
