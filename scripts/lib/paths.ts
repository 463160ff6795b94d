import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

/** The root of this checkout. */
export const root = join(import.meta.dirname, "../..");

/** Two checkouts may use one engine: this is part of the names of all that a checkout builds there. */
export const checkoutId = createHash("sha256").update(root).digest("hex").slice(0, 8);

/** What is slow to make and may be thrown away at any time: the engine's data, the root file system. */
export const cacheDir =
	process.env.LASTCALL_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "lastcall");
