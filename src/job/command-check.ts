/** A check of a job by a command: it is a process group like a job, and has succeeded if the command has. */
import { describeExit, isSuccess, type JobExit } from "./job.ts";
import type { LineFormat } from "./line-records.ts";
import { ProcessJob } from "./process.ts";

const AS_IT_IS: LineFormat = { stream: "log", record: (line) => `${line}\n` };

/** Resolves when the command has succeeded. Rejects with the reason if it failed, and at once when the signal is aborted. */
export type CommandCheck = (signal: AbortSignal) => Promise<void>;

/** @param spec `name` is for the log of the kernel only: no event is emitted. */
export function checkByCommand(spec: {
	command: string[];
	cwd?: string | undefined;
	env: NodeJS.ProcessEnv;
}): CommandCheck {
	/** The check before, if even SIGKILL has not ended it yet. */
	let before: ProcessJob | undefined;
	return async (signal) => {
		if (before) throw new Error("the command of the check before has not ended");
		let said = "";
		const check = new ProcessJob(
			{ ...spec, name: "check", stopSignal: "SIGKILL", successExitCodes: [], lines: AS_IT_IS },
			{
				onReady: () => {},
				// What the command leaves behind in its group ends with it.
				onLeaderGone: () => check.kill(),
				onOutput(_stream, bytes, done) {
					said = lastMessage(bytes) ?? said;
					done();
				},
				onDropped: () => {},
			},
		);
		before = check;
		const { promise, resolve, reject } = Promise.withResolvers<JobExit>();
		void check.exited.then((exit) => {
			before = undefined;
			resolve(exit);
		});
		signal.addEventListener("abort", () => {
			check.kill();
			reject(signal.reason);
		});
		check.start();
		const exit = await promise;
		if (!isSuccess(exit)) throw new Error(`the command ${describeExit(exit)}${said && `: ${said}`}`);
	};
}

/** The last line that the command has printed: mostly it says what is wrong. */
function lastMessage(lines: Uint8Array): string | undefined {
	return Buffer.from(lines).toString().trimEnd().split("\n").at(-1);
}
