/** What benchmarks take from npm: a private package of its own, installed when it is first needed. */
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { must } from "../../scripts/lib/command.ts";

const here = import.meta.dirname;
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

/** Resolves and loads what is installed here. */
export const requirePeer: NodeJS.Require = createRequire(join(here, "package.json"));

/** Loads an ES module that is installed here. */
export async function importPeer<Module>(name: string): Promise<Module> {
	return await import(pathToFileURL(requirePeer.resolve(name)).href);
}

export function peerVersion(name: string): string {
	return requirePeer(`./node_modules/${name}/package.json`).version;
}
