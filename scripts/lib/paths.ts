import { homedir } from "node:os";
import { join } from "node:path";

/** The root of this checkout. */
export const root = join(import.meta.dirname, "../..");

/** What is slow to make and may be thrown away at any time: the engine's data, the root file system. */
export const cacheDir =
	process.env.LASTCALL_CACHE ||
	join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "lastcall");
