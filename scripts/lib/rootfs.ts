/** The Debian root file system that the stand-in images are made of, cached as a tar file. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "./apt.ts";
import { must, run } from "./command.ts";
import { removeDirectory } from "./mounts.ts";
import { cacheDir } from "./paths.ts";
import { ScriptError } from "./script.ts";

export interface Rootfs {
	/** As debian:bookworm-slim. */
	readonly tar: string;
	/** The library that Node.js 26 needs beyond that. */
	readonly libatomic: string;
}

export async function ensureRootfs(): Promise<Rootfs> {
	const dir = join(cacheDir, `bookworm-${process.arch}`);
	const rootfs = { tar: join(dir, "rootfs.tar"), libatomic: join(dir, "libatomic1.deb") };
	if (existsSync(dir)) return rootfs;
	if (process.getuid?.() !== 0) {
		throw new ScriptError(`Cannot make a root file system: debootstrap needs root, found uid ${process.getuid?.()}`);
	}
	if ((await run("debootstrap", ["--version"])).code !== 0) await aptInstall("debootstrap");

	process.stderr.write("lastcall: making the stand-in base image with debootstrap (first run only)\n");
	mkdirSync(cacheDir, { recursive: true });
	// Renamed when complete: an interrupted run leaves nothing that looks finished.
	const work = mkdtempSync(join(cacheDir, "bookworm-"));
	try {
		const tree = join(work, "tree");
		await must("debootstrap", ["--variant=minbase", "--include=libatomic1", "bookworm", tree], { timeout: 600_000 });
		// mkdtemp's and debootstrap's modes become the container's "/".
		chmodSync(tree, 0o755);
		await keepDeb(tree, join(work, "libatomic1.deb"));
		await must("chroot", [tree, "dpkg", "--purge", "libatomic1"]);
		const excludes = leftOut.map((path) => `--exclude=./${path}`);
		const tar = join(work, "rootfs.tar");
		await must("tar", [
			"--create",
			"--numeric-owner",
			"--one-file-system",
			...excludes,
			"--file",
			tar,
			"--directory",
			tree,
			".",
		]);
		rmSync(tree, { recursive: true });
		renameSync(work, dir);
	} finally {
		// debootstrap mounts /proc there, and leaves it when it is killed.
		if (existsSync(work)) await removeDirectory(work);
	}
	return rootfs;
}

async function keepDeb(tree: string, target: string): Promise<void> {
	const archives = join(tree, "var/cache/apt/archives");
	const name = readdirSync(archives).find((file) => file.startsWith("libatomic1_"));
	if (name === undefined) {
		throw new Error(`Cannot find the package libatomic1 in ${archives}, where debootstrap leaves what it installed`);
	}
	renameSync(join(archives, name), target);
}

/** What the slim image leaves out too, and what debootstrap copied from this machine. */
const leftOut = [
	"dev/*",
	"proc/*",
	"sys/*",
	"etc/hostname",
	"etc/resolv.conf",
	"var/cache/apt/*",
	"var/lib/apt/lists/*",
	"var/log/*",
	"usr/share/doc/*",
	"usr/share/info/*",
	"usr/share/locale/*",
	"usr/share/man/*",
];
