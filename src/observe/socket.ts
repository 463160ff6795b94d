/** The Unix socket beside the init: where it lies, and whose it is. */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { attempt, errorInfo } from "../errors.ts";
import type { Event } from "../events.ts";
import type { Control } from "../supervisor/control.ts";
import { type Listening, serve } from "./server.ts";
import type { State } from "./state.ts";

/** For the answer of whoever may be behind a socket. */
const ANSWER_MS = 1_000;

/**
 * Listens on the first of the paths where that is possible.
 *
 * A socket that somebody answers belongs to a live init, and ends the search; one that nobody answers was left behind by
 * a dead one, and is replaced. Anything else that lies there is left alone.
 *
 * @returns What happened; never rejects.
 */
export async function openSocket(
	paths: readonly string[],
	state: State,
	control: Control,
): Promise<{ event: Event; listening?: Listening }> {
	let failure: Event | undefined;
	for (const path of paths) {
		try {
			await makeRoom(path);
			const listening = await listenPrivately(path, state, control);
			return { event: { type: "server.opened", address: path }, listening };
		} catch (error) {
			failure = {
				type: "server.failed",
				address: path,
				error: errorInfo(error),
			};
			if (error instanceof SocketInUse) break;
		}
	}
	return {
		event: failure ?? {
			type: "server.failed",
			address: "",
			error: { name: "Error", message: "no path to listen at" },
		},
	};
}

class SocketInUse extends Error {}

async function makeRoom(path: string): Promise<void> {
	const found = attempt(() => lstatSync(path));
	if (!found) return;
	if (!found.isSocket())
		throw new Error(`found something else than a socket at ${path}`);
	if (await isAnswered(path))
		throw new SocketInUse(
			`the socket ${path} belongs to an init that is alive`,
		);
	unlinkSync(path);
}

async function isAnswered(path: string): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = connect(path);
	// Silence is not death: the other may be stopped, or busy.
	socket.setTimeout(ANSWER_MS, () => resolve(true));
	socket.once("connect", () => resolve(true));
	socket.once("error", ({ code }: NodeJS.ErrnoException) =>
		resolve(code !== "ECONNREFUSED"),
	);
	const answered = await promise;
	socket.destroy();
	return answered;
}

async function listenPrivately(
	path: string,
	state: State,
	control: Control,
): Promise<Listening> {
	// bind(2) happens inside this call, and the socket gets its mode before the event loop can accept anybody.
	const opening = serve({ path }, state, control);
	let refused: unknown;
	try {
		chmodSync(path, 0o600);
	} catch (error) {
		refused = error;
	}
	const listening = await opening;
	if (refused) {
		listening.close();
		throw refused;
	}
	return {
		close() {
			listening.close();
			attempt(() => unlinkSync(path));
		},
	};
}
