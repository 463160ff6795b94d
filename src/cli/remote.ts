/** The commands that ask the init of this container for something, as its client. */
import { defaultSocketPaths } from "../config/places.ts";
import { errorInfo } from "../errors.ts";
import type { Command } from "./args.ts";
import { NoInitError } from "./client.ts";
import { control } from "./control.ts";
import { showStatus } from "./status.ts";

export type RemoteCommand = Extract<Command, { type: "status" | "control" }>;

/** @returns The exit code. */
export async function runRemote(command: RemoteCommand): Promise<number> {
	const sockets =
		command.socket === undefined
			? defaultSocketPaths(process.env)
			: [command.socket];
	// Told by the write as well.
	process.stdout.on("error", () => {});
	try {
		if (command.type === "status")
			return await showStatus(
				{ ...command, sockets },
				print,
				process.stdout.isTTY,
			);
		const { done, message } = await control(command.command, sockets);
		if (done) console.log(message);
		else console.error(`lastcall: ${message}`);
		return done ? 0 : 1;
	} catch (error) {
		if (isReaderGone(error)) return 1;
		if (!(error instanceof NoInitError)) throw error;
		console.error(`lastcall: ${error.message}`);
		return 1;
	}
}

/** The end of the process would cut off what a pipe has not taken yet: 64 KiB, the status of a few hundred jobs. */
function print(text: string): Promise<void> {
	return new Promise((resolve, reject) =>
		process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
	);
}

/** It has read what it wanted: `lastcall status | head -1`. */
function isReaderGone(error: unknown): boolean {
	return errorInfo(error).code === "EPIPE";
}
