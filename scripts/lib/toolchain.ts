import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { mayInstall } from "./allowed.ts";
import { must } from "./command.ts";
import { cacheDir, root } from "./paths.ts";
import { ScriptError } from "./script.ts";

/** Node.js 26 and npm: what `npm start` needs. */
const dir = join(root, "scripts/toolchain");
/** What only tests and the image of Node.js 24 need. */
const olderDir = join(dir, "older");
/** What only a test of installs needs. */
const managersDir = join(dir, "managers");
/** What only tests on musl need: scripts/lib/musl.ts. */
export const muslDir = join(dir, "musl");

const recipesFixture = join(root, "test/fixtures/recipes");
/** What only a test of docs/recipes.md needs: hundreds of megabytes, for all checkouts. Other versions have another folder. */
export const recipesDir = join(
	cacheDir,
	`recipes-${createHash("sha256")
		.update(readFileSync(join(recipesFixture, "package-lock.json")))
		.digest("hex")
		.slice(0, 8)}`,
);

export type NodeMajor = 20 | 22 | 24 | 26;

/** Installs the pinned Node.js 26 and npm unless they are there. */
export async function ensureToolchain(): Promise<void> {
	await must(join(dir, "install"), [], { timeout: 900_000 });
}

/** Installs the pinned Node.js 24, 22 and 20 unless they are there. */
export async function ensureOlderNodes(): Promise<void> {
	await must(join(dir, "install"), ["older"], { timeout: 900_000 });
}

/** Installs the pinned Node.js 26 and koffi for arm64, which run under qemu, where that is allowed and they are not there. */
export async function ensureArm64Node(): Promise<void> {
	if (process.arch === "arm64" || !mayInstall()) return;
	for (const [from, name] of [
		[dir, "node-26-arm64"],
		[root, "koffi"],
	] as const) {
		const cwd = arm64Dir(from, name);
		mkdirSync(cwd, { recursive: true });
		for (const file of ["package.json", "package-lock.json"])
			cpSync(join(from, file), join(cwd, file), { preserveTimestamps: true });
		await installLocked(cwd, ["--cpu=arm64", "--omit=dev"]);
	}
}

/** Installs pnpm and yarn, pinned, where that is allowed and they are not there. */
export async function ensureManagers(): Promise<void> {
	if (mayInstall()) await installLocked(managersDir);
}

/** Installs the packages of docs/recipes.md, pinned, where that is allowed and they are not there. */
export async function ensureRecipes(): Promise<void> {
	if (!mayInstall()) return;
	mkdirSync(recipesDir, { recursive: true });
	for (const file of ["package.json", "package-lock.json"]) cpSync(join(recipesFixture, file), join(recipesDir, file));
	if (!recipesAreInstalled()) await installLocked(recipesDir);
}

export function recipesAreInstalled(): boolean {
	return existsSync(join(recipesDir, "node_modules/.package-lock.json"));
}

/** Installs what a lock file pins, unless it is there. */
export async function installLocked(cwd: string, flags: readonly string[] = []): Promise<void> {
	// npm writes it last.
	const installed = join(cwd, "node_modules/.package-lock.json");
	if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(cwd, "package-lock.json")).mtimeMs) return;
	const quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
	await must("npm", ["ci", ...flags, ...quietly], { cwd, timeout: 300_000 });
}

/** The script of a package manager, for Node.js. */
export function managerScript(name: "pnpm" | "yarn" | "@yarnpkg/cli-dist"): string {
	const script = name === "pnpm" ? "pnpm.mjs" : "yarn.js";
	return join(managersDir, "node_modules", name, "bin", script);
}

export function arm64Node(): string {
	return join(arm64Dir(dir, "node-26-arm64"), "node_modules/node-26-arm64/bin/node");
}

/** The folder of packages, with koffi among them. */
export function arm64Packages(): string {
	return join(arm64Dir(root, "koffi"), "node_modules");
}

/** Another version has another folder. */
function arm64Dir(from: string, name: string): string {
	return join(dir, "node_modules", `.arm64-${name}-${lockedVersion(from, name)}`);
}

export function nodeBinary(major: NodeMajor): string {
	return join(dirOf(major), "node_modules", nodePackage(major), "bin/node");
}

export const npmPackage = join(dir, "node_modules/npm");

/** From the lock file, so it is known before anything is installed. */
export function nodeVersion(major: NodeMajor): string {
	return lockedVersion(dirOf(major), nodePackage(major));
}

export function npmVersion(): string {
	return lockedVersion(dir, "npm");
}

function dirOf(major: NodeMajor): string {
	return major === 26 ? dir : olderDir;
}

function nodePackage(major: NodeMajor): string {
	return `node-${major}-${process.arch}`;
}

function lockedVersion(directory: string, name: string): string {
	const path = join(directory, "package-lock.json");
	const lock = JSON.parse(readFileSync(path, "utf8"));
	const version = lock.packages[`node_modules/${name}`]?.version;
	if (version === undefined) {
		throw new ScriptError(
			`Cannot find "${name}" in ${relative(root, path)}: there are binaries for linux on x64 and arm64, this is ${process.platform} on ${process.arch}`,
		);
	}
	return version;
}
