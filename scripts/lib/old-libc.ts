/** The libraries of Debian 11, whose glibc 2.31 keeps timer_create() and others in libraries that Node.js does not load. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mayInstall } from "./allowed.ts";
import { unpackDebian } from "./debian.ts";
import { cacheDir } from "./paths.ts";

/** What Node.js is linked with. */
const PACKAGES = ["libc6", "libgcc-s1", "libstdc++6", "libatomic1"];

/** As a tree of folders, to be copied to the root of an image. */
export const oldLibc = join(cacheDir, `bullseye-libraries-${process.arch}`);

/** Downloads the packages with apt-get and unpacks them, where that is allowed and they are not there. Installs none of them. */
export async function ensureOldLibc(): Promise<void> {
	if (!mayInstall() || existsSync(oldLibc)) return;
	mkdirSync(cacheDir, { recursive: true });
	const work = mkdtempSync(join(cacheDir, "libraries-"));
	try {
		const tree = await unpackDebian("bullseye", PACKAGES, work);
		for (const folder of ["usr/share", "etc"]) rmSync(join(tree, folder), { recursive: true, force: true });
		// Renamed when complete: an interrupted run leaves nothing that looks finished.
		renameSync(tree, oldLibc);
	} finally {
		rmSync(work, { recursive: true });
	}
}

/** Copies them, symbolic links as they are. */
export function copyOldLibc(to: string): void {
	cpSync(oldLibc, to, { recursive: true, verbatimSymlinks: true });
}
