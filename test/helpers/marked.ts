/** Finds what a command has started, however it has been daemonized: by a variable of its own, or by a word among its arguments. */
import { randomUUID } from "node:crypto";
import { allProcesses, commandOf, environmentOf } from "../../scripts/lib/processes.ts";
import { attempt } from "../../src/base/errors.ts";

/** Use with `using`: what is left is killed at the end of the block. */
export interface Mark extends Disposable {
	/** For the command's environment. */
	readonly env: NodeJS.ProcessEnv;
	/** For the arguments of what has another environment. */
	readonly word: string;
	/** The processes that have it, each by its command. */
	marked(): string[];
}

export function newMark(): Mark {
	const value = randomUUID();
	const find = () =>
		allProcesses().filter(
			({ pid }) => environmentOf(pid).includes(`LASTCALL_MARK=${value}`) || commandOf(pid).includes(value),
		);
	return {
		env: { LASTCALL_MARK: value },
		word: value,
		marked: () => find().map(({ pid }) => commandOf(pid)),
		[Symbol.dispose]: () => {
			for (const { pid } of find()) attempt(() => process.kill(pid, "SIGKILL"));
		},
	};
}
