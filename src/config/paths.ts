/** Paths of the init's socket and of the termination message. Environment variables override the configuration. */
import { readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { attempt } from "../base/errors.ts";

/** Where a client looks for the init's socket: that of a service in this directory, then that of the container. */
export function socketsToAsk(env: NodeJS.ProcessEnv): string[] {
	if (env.LASTCALL_SOCKET) return [env.LASTCALL_SOCKET];
	return [...socketOfDirectory(env), ...socketsOfContainer()];
}

/** The paths at which to try to listen, the best one first. */
export function socketPaths(
	env: NodeJS.ProcessEnv,
	configured: string | false | undefined,
	configPath: string,
	isInit: boolean,
): string[] {
	if (env.LASTCALL_SOCKET) return [env.LASTCALL_SOCKET];
	if (configured === undefined) return isInit ? socketsOfContainer() : socketOfDirectory(env);
	return configured ? [resolve(dirname(configPath), configured)] : [];
}

/**
 * With a read-only root file system and an ordinary user, only /dev/shm is writable in every container. The containers of
 * a pod may share /dev/shm: there the name has the number of the PID namespace.
 */
function socketsOfContainer(): string[] {
	const [namespace = "0"] = attempt(() => readlinkSync("/proc/self/ns/pid").match(/\d+/)) ?? [];
	return ["/run/lastcall.sock", join(tmpdir(), "lastcall.sock"), `/dev/shm/lastcall-${namespace}.sock`];
}

/**
 * Outside PID 1 several services may run side by side: the name has a hash of the working directory. Only in a folder
 * that no other user can write to; a path of the directory itself could exceed the kernel's limit.
 */
function socketOfDirectory({ XDG_RUNTIME_DIR: folder }: NodeJS.ProcessEnv): string[] {
	if (!folder) return [];
	const hash = process.getBuiltinModule("node:crypto").hash("sha256", process.cwd());
	return [join(folder, `lastcall-${hash.slice(0, 16)}.sock`)];
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
