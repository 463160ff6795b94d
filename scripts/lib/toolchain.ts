import { readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "./command.ts";
import { root } from "./paths.ts";

const dir = join(root, "scripts/toolchain");

export type NodeMajor = 24 | 26;

/** Installs the pinned Node.js binaries and npm unless they are there. */
export async function ensureToolchain(): Promise<void> {
	await must(join(dir, "install"), [], { timeout: 900_000 });
}

export function nodeBinary(major: NodeMajor): string {
	return join(dir, "node_modules", nodePackage(major), "bin/node");
}

export const npmPackage = join(dir, "node_modules/npm");

/** From the lock file, so it is known before anything is installed. */
export function nodeVersion(major: NodeMajor): string {
	return lockedVersion(nodePackage(major));
}

export function npmVersion(): string {
	return lockedVersion("npm");
}

function nodePackage(major: NodeMajor): string {
	return `node-${major}-${process.arch}`;
}

function lockedVersion(name: string): string {
	const lock = JSON.parse(readFileSync(join(dir, "package-lock.json"), "utf8"));
	const version = lock.packages[`node_modules/${name}`]?.version;
	if (version === undefined) {
		throw new Error(
			`Cannot find "${name}" in scripts/toolchain/package-lock.json: there are binaries for linux on x64 and arm64, this is ${process.platform} on ${process.arch}`,
		);
	}
	return version;
}
