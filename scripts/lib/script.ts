/** How a script ends: with its exit code, with one line for what its user can mend, or by the signal that interrupted it. */
import { Interrupted } from "./interruption.ts";

/** Something on this machine, or in the arguments, that the user can mend. Shown as its message, without a stack. */
export class ScriptError extends Error {
	readonly exitCode: number;

	constructor(message: string, { exitCode = 1, cause }: { exitCode?: number; cause?: unknown } = {}) {
		super(message, { cause });
		this.exitCode = exitCode;
	}
}

/** Runs a script to its end. A bug still shows its stack. */
export async function runScript(main: () => Promise<number>): Promise<void> {
	try {
		process.exitCode = await main();
	} catch (error) {
		if (error instanceof Interrupted) dieBy(error.signal);
		else if (isExpected(error)) {
			console.error(`lastcall: ${error.message}`);
			process.exitCode = error instanceof ScriptError ? error.exitCode : 1;
		} else throw error;
	}
}

/** A full disk and a directory of somebody else are no bugs either. */
const STATES_OF_THE_MACHINE = ["EACCES", "EDQUOT", "ENOSPC", "EROFS"];

function isExpected(error: unknown): error is Error {
	if (!(error instanceof Error)) return false;
	const { code = "" } = error as NodeJS.ErrnoException;
	return error instanceof ScriptError || STATES_OF_THE_MACHINE.includes(code);
}

/** The caller sees the signal, as without a handler: a shell stops its script, npm stays silent. */
function dieBy(signal: NodeJS.Signals): void {
	process.removeAllListeners(signal);
	process.kill(process.pid, signal);
}
