/**
 * Node.js on musl, the C library of Alpine, for tests alone: npm has none, but a single executable of the official kind, whose program
 * can be turned off. Debian's libstdc++ runs on musl behind a small library of ours. Made once, in the cache.
 */

import { createHash } from "node:crypto";
import {
	chmodSync,
	copyFileSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { mayInstall } from "./allowed.ts";
import { must } from "./command.ts";
import { unpackDebian } from "./debian.ts";
import { cacheDir, root } from "./paths.ts";
import { installLocked, muslDir } from "./toolchain.ts";

/** Where the stand-in is made from. */
export const alpineDir = join(root, "scripts/standin/alpine");

/** Changes with everything that it is made of. */
export const muslRecipe = (() => {
	const hash = createHash("sha256");
	for (const path of [
		join(alpineDir, "shim.c"),
		join(alpineDir, "stub.c"),
		join(muslDir, "package-lock.json"),
		import.meta.filename,
	])
		hash.update(readFileSync(path));
	return hash.digest("hex").slice(0, 16);
})();

const muslCache = join(cacheDir, `musl-${muslRecipe}`);

/** The root file system of the image: musl, the libraries that Node.js loads, Node.js, busybox. */
export const muslRoot = join(muslCache, "root");

/** Node.js on musl that runs on this machine, beside its C library. */
export const muslNode = join(muslCache, "node");

/** Whether it is there. */
export const hasMuslNode = (): boolean => existsSync(muslCache);

const PACKAGES = ["musl", "libstdc++6", "libgcc-s1", "busybox-static", "patchelf"];
const LOADER = "lib/ld-musl-x86_64.so.1";

/** "1" behind these words makes Node.js run the program inside. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";

/** Downloads what it is made of and makes it, on x64, where that is allowed and it is not there. Needs gcc. */
export async function ensureMuslNode(): Promise<void> {
	if (process.arch !== "x64" || !mayInstall() || hasMuslNode()) return;
	mkdirSync(cacheDir, { recursive: true });
	const work = mkdtempSync(join(cacheDir, "musl-"));
	try {
		const packages = join(work, "packages");
		cpSync(muslDir, packages, { recursive: true });
		await installLocked(packages, ["--os=linux", "--cpu=x64", "--libc=musl"]);
		const debian = await unpackDebian("bookworm", PACKAGES, work);
		const image = join(work, "made/root");
		for (const folder of ["lib", "usr/lib", "usr/local/bin", "bin", "etc"])
			mkdirSync(join(image, folder), { recursive: true });
		copyFileSync(join(debian, "lib/x86_64-linux-musl/libc.so"), join(image, LOADER));
		chmodSync(join(image, LOADER), 0o755);
		symlinkSync("ld-musl-x86_64.so.1", join(image, "lib/libc.musl-x86_64.so.1"));
		copyFileSync(join(debian, "usr/lib/x86_64-linux-gnu/libstdc++.so.6"), join(image, "usr/lib/libstdc++.so.6"));
		copyFileSync(join(debian, "lib/x86_64-linux-gnu/libgcc_s.so.1"), join(image, "usr/lib/libgcc_real.so.1"));
		copyFileSync(join(debian, "bin/busybox"), join(image, "bin/busybox"));
		await compileShim(join(image, "usr/lib"), work);

		const node = join(image, "usr/local/bin/node");
		const single = readFileSync(join(packages, "node_modules/@pnpm/linuxstatic-x64/pnpm"));
		const at = single.indexOf(`${FUSE}1`);
		if (at < 0) throw new Error(`Cannot find "${FUSE}1" in @pnpm/linuxstatic-x64, which makes its Node.js run pnpm`);
		single.write("0", at + FUSE.length);
		writeFileSync(node, single, { mode: 0o755 });

		// This machine has no musl: the paths of the loader and of the libraries go into a copy of Node.js.
		const here = join(work, "made/node");
		copyFileSync(node, here);
		const libraries = ["lib", "usr/lib"].map((folder) => join(muslRoot, folder)).join(":");
		const patchelf = join(debian, "usr/bin/patchelf");
		await must(patchelf, ["--set-interpreter", join(muslRoot, LOADER), "--set-rpath", libraries, here]);
		// Renamed when complete: an interrupted run leaves nothing that looks finished.
		renameSync(join(work, "made"), muslCache);
	} finally {
		rmSync(work, { recursive: true });
	}
}

/** What stands in for glibc's loader, and the library in front of libgcc_s. */
async function compileShim(lib: string, work: string): Promise<void> {
	const shared = ["-shared", "-nostdlib", "-fPIC"];
	const name = (soname: string, folder: string) => [`-Wl,-soname,${soname}`, "-o", join(folder, soname)];
	const stub = join(alpineDir, "stub.c");
	await must("gcc", [...shared, ...name("ld-linux-x86-64.so.2", lib), stub]);
	// The real one needs glibc: the linker only has to know the name.
	await must("gcc", [...shared, ...name("libgcc_real.so.1", work), stub]);
	const alone = ["-O1", "-fno-builtin", "-fno-stack-protector"];
	const real = ["-Wl,--no-as-needed", "-L", work, "-l:libgcc_real.so.1"];
	const shim = join(alpineDir, "shim.c");
	await must("gcc", [...alone, ...shared, ...name("libgcc_s.so.1", lib), shim, ...real]);
}
