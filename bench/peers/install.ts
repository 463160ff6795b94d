/** What benchmarks take from npm: a private package of its own, installed when it is first needed. */
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mayInstall } from "../../scripts/lib/allowed.ts";
import { aptInstall } from "../../scripts/lib/apt.ts";
import { must, run } from "../../scripts/lib/command.ts";

const here = import.meta.dirname;

/** Where the packages of npm are. */
export const peersDirectory: string = here;

/** A program of each package of Debian. */
const DEBIAN = {
	tini: "tini",
	"dumb-init": "dumb-init",
	catatonit: "catatonit",
	s6: "s6-svscan",
	supervisor: "supervisord",
} as const;

// npm writes it last.
const installed = join(here, "node_modules/.package-lock.json");

/** Installs the pinned versions unless they are there. */
export async function installPeers(): Promise<void> {
	if (peersAreInstalled()) return;
	const flags = ["--no-audit", "--no-fund", "--loglevel=error"];
	await must("npm", ["ci", ...flags], { cwd: here, timeout: 300_000 });
}

export function peersAreInstalled(): boolean {
	if (!existsSync(installed)) return false;
	const { mtimeMs } = statSync(join(here, "package-lock.json"));
	return statSync(installed).mtimeMs >= mtimeMs;
}

/** Installs the small inits and the supervisors that are missing, if packages may be installed; else says what is left out. */
export async function installDebianPeers(): Promise<void> {
	const missing: string[] = [];
	for (const [name, program] of Object.entries(DEBIAN))
		if ((await run("sh", ["-c", `command -v ${program}`])).code !== 0) missing.push(name);
	if (missing.length === 0) return;
	if (mayInstall()) await aptInstall(...missing);
	else
		console.error(
			`Left out, since not installed: ${missing.join(", ")}. To have them installed with apt-get: LASTCALL_ENGINE=install`,
		);
}

/** Resolves and loads what is installed here. */
export const requirePeer: NodeJS.Require = createRequire(join(here, "package.json"));

/** Loads an ES module that is installed here. */
export async function importPeer<Module>(name: string): Promise<Module> {
	return await import(pathToFileURL(requirePeer.resolve(name)).href);
}

export function peerVersion(name: string): string {
	return requirePeer(`./node_modules/${name}/package.json`).version;
}
