/** The libraries of Debian 11, whose glibc 2.31 keeps timer_create() and others in libraries that Node.js does not load. */
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mayInstall } from "./allowed.ts";
import { aptInstall } from "./apt.ts";
import { must } from "./command.ts";
import { cacheDir } from "./paths.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const SOURCE = `deb [signed-by=${KEYRING}] http://deb.debian.org/debian bullseye main\n`;
/** What Node.js is linked with. */
const PACKAGES = ["libc6", "libgcc-s1", "libstdc++6", "libatomic1"];

/** As a tree of folders, to be copied to the root of an image. */
export const oldLibc = join(cacheDir, `bullseye-libraries-${process.arch}`);

/** Downloads the packages with apt-get and unpacks them, where that is allowed and they are not there. Installs none of them. */
export async function ensureOldLibc(): Promise<void> {
	if (!mayInstall() || existsSync(oldLibc)) return;
	if (!existsSync(KEYRING)) await aptInstall("debian-archive-keyring");
	mkdirSync(cacheDir, { recursive: true });
	const work = mkdtempSync(join(cacheDir, "libraries-"));
	try {
		// An apt of its own: sources, lists and packages are none of the machine's.
		writeFileSync(join(work, "sources.list"), SOURCE);
		for (const folder of ["state/lists/partial", "cache/archives/partial"])
			mkdirSync(join(work, folder), { recursive: true });
		const settings = [
			`Dir::Etc::SourceList=${work}/sources.list`,
			"Dir::Etc::SourceParts=/dev/null",
			`Dir::State=${work}/state`,
			"Dir::State::Status=/dev/null",
			`Dir::Cache=${work}/cache`,
			// Else it wants to become another user, who may not write here.
			"APT::Sandbox::User=root",
			"Acquire::Languages=none",
		].flatMap((setting) => ["-o", setting]);
		const options = { cwd: work, timeout: 300_000 };
		await must("apt-get", [...settings, "-q", "update"], options);
		await must("apt-get", [...settings, "-q", "download", ...PACKAGES], options);
		const tree = join(work, "tree");
		for (const file of globSync("*.deb", { cwd: work }))
			await must("dpkg-deb", ["--extract", file, tree], { cwd: work });
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
