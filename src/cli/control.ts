/** `lastcall stop|restart|signal JOB`: asks the init for something. */
import { MAX_DURATION_MS } from "../duration.ts";
import { plain } from "../show.ts";
import type { CommandResult, JobCommand } from "../supervisor/control.ts";
import { ask, readAnswer } from "./client.ts";

/** @returns What was done, or why not. */
export async function control(
	command: JobCommand,
	sockets: readonly string[],
): Promise<CommandResult> {
	const query =
		command.type === "signal"
			? `?signal=${encodeURIComponent(command.signal)}`
			: "";
	const path = `/jobs/${encodeURIComponent(command.job)}/${command.type}${query}`;
	// A stop takes as long as the job's stop timeout allows.
	const answer = await ask(sockets, "POST", path, MAX_DURATION_MS);
	return readAnswer(answer, ({ done, message }: CommandResult) => ({
		done: done === true,
		message: plain(message),
	}));
}
