/** The commands that ask the init of this container for something, as its client. */
import { defaultSocketPaths } from "../config/places.ts";
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
	try {
		if (command.type === "status")
			return await showStatus(
				{ ...command, sockets },
				(text) => void process.stdout.write(text),
				process.stdout.isTTY,
			);
		const { done, message } = await control(command.command, sockets);
		if (done) console.log(message);
		else console.error(`lastcall: ${message}`);
		return done ? 0 : 1;
	} catch (error) {
		if (!(error instanceof NoInitError)) throw error;
		console.error(`lastcall: ${error.message}`);
		return 1;
	}
}
