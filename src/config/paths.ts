/** Where the init is reached, and where it leaves its last words. Variables go before the configuration. */
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const NAME = "lastcall.sock";

/**
 * Where the socket of a container's init may lie. With a root file system that is read-only and no user's rights /run
 * cannot be written, nor perhaps the temporary folder; /dev/shm can in every container.
 */
export function defaultSocketPaths(env: NodeJS.ProcessEnv): string[] {
	const named = env.LASTCALL_SOCKET;
	if (named) return [named];
	return ["/run", tmpdir(), "/dev/shm"].map((folder) => join(folder, NAME));
}

/**
 * Where to listen; empty for nowhere. Who is not the init of a container listens only where told to: several may run side
 * by side on one machine.
 */
export function socketPaths(
	env: NodeJS.ProcessEnv,
	configured: string | false | undefined,
	configPath: string,
	isInit: boolean,
): string[] {
	if (env.LASTCALL_SOCKET) return [env.LASTCALL_SOCKET];
	if (configured === false) return [];
	if (configured !== undefined) return [resolve(dirname(configPath), configured)];
	return isInit ? defaultSocketPaths(env) : [];
}

/** `undefined`: nowhere. */
export function terminationMessagePath(
	env: NodeJS.ProcessEnv,
	configured: string | false | undefined,
	configPath: string,
): string | undefined {
	if (env.LASTCALL_TERMINATION_MESSAGE) return env.LASTCALL_TERMINATION_MESSAGE;
	if (configured === false) return undefined;
	return configured === undefined ? "/dev/termination-log" : resolve(dirname(configPath), configured);
}
