/** Paths of the init's socket and of the termination message. Environment variables override the configuration. */
import { readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { attempt } from "../base/errors.ts";

/**
 * Where the socket of a container's init may be, the best path first. With a read-only root file system and an ordinary
 * user, /run is not writable, and the temporary folder may not be either; /dev/shm is writable in every container.
 *
 * The containers of a pod may share /dev/shm: there the name has the number of the PID namespace.
 */
export function defaultSocketPaths(env: NodeJS.ProcessEnv): string[] {
	if (env.LASTCALL_SOCKET) return [env.LASTCALL_SOCKET];
	const [namespace = "0"] = attempt(() => readlinkSync("/proc/self/ns/pid").match(/\d+/)) ?? [];
	return ["/run/lastcall.sock", join(tmpdir(), "lastcall.sock"), `/dev/shm/lastcall-${namespace}.sock`];
}

/** The paths at which to try to listen. Outside PID 1 there is no default: several services may run side by side. */
export function socketPaths(
	env: NodeJS.ProcessEnv,
	configured: string | false | undefined,
	configPath: string,
	isInit: boolean,
): string[] {
	if (env.LASTCALL_SOCKET || (configured === undefined && isInit)) return defaultSocketPaths(env);
	return configured ? [resolve(dirname(configPath), configured)] : [];
}

/** @returns `undefined` for no termination message. */
export function terminationMessagePath(
	env: NodeJS.ProcessEnv,
	configured: string | false | undefined,
	configPath: string,
): string | undefined {
	if (env.LASTCALL_TERMINATION_MESSAGE) return env.LASTCALL_TERMINATION_MESSAGE;
	if (configured === false) return undefined;
	return resolve(dirname(configPath), configured ?? "/dev/termination-log");
}
