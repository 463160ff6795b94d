import { mayStartEngine } from "./allowed.ts";
import { aptInstall } from "./apt.ts";
import { run } from "./command.ts";
import { findClient } from "./docker-cli.ts";
import { dockerdPid, privateHost, startDockerd, stopDockerd, stopOwnDockerd } from "./dockerd.ts";
import { cleanUp, Interrupted } from "./interruption.ts";
import { ScriptError } from "./script.ts";

export interface Engine {
	/** The `docker` client to use. */
	readonly client: string;
	/** The private engine's address; undefined: whatever the user's own settings say. */
	readonly host: string | undefined;
	/** Ours, in the cache directory; else the user's own, to be left as it was. */
	readonly private: boolean;
	/** Started by this call, which means the caller has to stop it. */
	readonly started: boolean;
}

export interface NoEngine {
	/** Why there is none and what would change that, for the user. */
	readonly reason: string;
}

/** The user's engine if one answers, else our private one, started if that is allowed. */
export async function ensureEngine(mayStart = mayStartEngine()): Promise<Engine | NoEngine> {
	const own = await findClient();
	// Settings may name the private engine: whoever started it by hand was told to.
	if (own !== undefined && process.env.DOCKER_HOST !== privateHost) {
		return { client: own, host: undefined, private: false, started: false };
	}
	if (!mayStart && dockerdPid() === undefined) {
		return {
			reason:
				"No Docker engine answers; start yours, or set LASTCALL_ENGINE=start to start a private one, LASTCALL_ENGINE=install to install Docker too",
		};
	}
	try {
		await ensureDockerInstalled();
		return { ...(await startDockerd()), host: privateHost, private: true };
	} catch (error) {
		if (error instanceof Interrupted) throw error;
		await stopStartedEngine();
		return { reason: `Cannot start a private Docker engine: ${message(error)}` };
	}
}

/** Calls `action` with an engine. A private engine that was started for it is stopped afterwards, also after an interruption. */
export async function withEngine<Result>(action: (engine: Engine | NoEngine) => Promise<Result>): Promise<Result> {
	try {
		return await action(await ensureEngine());
	} finally {
		await stopStartedEngine();
	}
}

/** A failure is printed with what to do: nobody would look for an engine that stays. */
async function stopStartedEngine(): Promise<void> {
	try {
		await cleanUp(stopOwnDockerd);
	} catch (error) {
		console.error(
			`lastcall: The private engine stays, and what runs in it: ${message(error)}. To stop it: npm run engine -- stop`,
		);
	}
}

/** Stops the private engine; true if one ran. */
export async function stopEngine(): Promise<boolean> {
	return stopDockerd();
}

/** What a `docker` child process needs in its environment to reach this engine. */
export function engineEnv(engine: Engine): NodeJS.ProcessEnv {
	// Without a bridge BuildKit's own network mode has nothing to connect to.
	return engine.host === undefined ? {} : { DOCKER_HOST: engine.host, DOCKER_BUILDKIT: "0" };
}

async function ensureDockerInstalled(): Promise<void> {
	if (process.platform !== "linux" || process.getuid?.() !== 0) {
		throw new ScriptError(
			`it needs root on Linux, found uid ${process.getuid?.()} on ${process.platform}; start your own engine instead`,
		);
	}
	if (!(await onPath("dockerd"))) await aptInstall("docker.io");
	// Newer Debian releases have the client in a package of its own.
	if (!(await onPath("docker"))) await aptInstall("docker-cli");
}

async function onPath(command: string): Promise<boolean> {
	return (await run(command, ["--version"])).code === 0;
}

function message(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
