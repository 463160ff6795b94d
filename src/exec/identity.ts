/** By which name we were called: it decides whose flags are understood, and whose words are printed. */
import { basename } from "node:path";

export interface Identity {
	/** As we were called; goes into usage messages. */
	readonly name: string;
	/** Whose words. `tini` also for docker-init, which is tini under the engine's name for it. */
	readonly style: "lastcall" | "tini" | "dumb-init";
	/** Whether `run` and the other subcommands exist; under a foreign name every first word is a program. */
	readonly subcommands: boolean;
}

const IDENTITIES: Readonly<Record<string, Omit<Identity, "name">>> = {
	tini: { style: "tini", subcommands: false },
	"tini-static": { style: "tini", subcommands: false },
	"docker-init": { style: "tini", subcommands: false },
	"dumb-init": { style: "dumb-init", subcommands: false },
	"lastcall-init": { style: "lastcall", subcommands: false },
};

/** @param path The path by which the script, or the single executable, was called. */
export function identify(path: string): Identity {
	const name = basename(path);
	const known = Object.hasOwn(IDENTITIES, name) && IDENTITIES[name];
	if (known) return { name, ...known };
	return { name: "lastcall", style: "lastcall", subcommands: true };
}
