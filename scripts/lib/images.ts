/** The base images of the container tests: the official ones, or stand-ins where none can be pulled. */
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { rootCertificates } from "node:tls";
import { type CommandOptions, must, run } from "./command.ts";
import { type Engine, engineEnv } from "./engine.ts";
import { alpineDir, hasMuslNode, muslNode, muslRecipe, muslRoot } from "./musl.ts";
import { cacheDir, root } from "./paths.ts";
import { ensureRootfs } from "./rootfs.ts";
import {
	ensureOlderNodes,
	ensureToolchain,
	type NodeMajor,
	nodeBinary,
	nodeVersion,
	npmPackage,
	npmVersion,
} from "./toolchain.ts";

export interface BaseImage {
	readonly name: string;
	readonly origin: "present" | "pulled" | "stand-in";
}

/** Images of ours carry what they were made from, so that a change makes them anew. */
const label = "lastcall.standin";
const standinDir = join(root, "scripts/standin");

/** Makes sure that `node:<major>-bookworm-slim` is there. */
export async function ensureBaseImage(engine: Engine, major: NodeMajor): Promise<BaseImage> {
	const recipe = nodeRecipe(major);
	return ensure(engine, `node:${major}-bookworm-slim`, recipe, (name) => buildNode(engine, name, major, recipe));
}

/** Makes sure that `debian:bookworm-slim` is there. */
export async function ensureDebianImage(engine: Engine): Promise<BaseImage> {
	return ensure(engine, "debian:bookworm-slim", "1", (name) => importDebian(engine, name, "1"));
}

/** Makes sure that `node:26-alpine` is there. `undefined` where it can neither be pulled nor made. */
export async function ensureAlpineImage(engine: Engine): Promise<BaseImage | undefined> {
	const recipe = alpineRecipe();
	const make = async (name: string) => {
		if (!hasMuslNode()) throw new NoMusl();
		await buildAlpine(engine, name, recipe);
	};
	try {
		return await ensure(engine, "node:26-alpine", recipe, make);
	} catch (error) {
		if (error instanceof NoMusl) return undefined;
		throw error;
	}
}

class NoMusl extends Error {}

async function ensure(
	engine: Engine,
	name: string,
	recipe: string,
	make: (name: string) => Promise<void>,
): Promise<BaseImage> {
	const format = `{{ index .Config.Labels "${label}" }}`;
	const found = await docker(engine, ["image", "inspect", "--format", format, name]);
	if (found.code === 0) {
		const madeFrom = found.stdout.trim();
		if (madeFrom === "" || madeFrom === recipe) return { name, origin: "present" };
	} else if (!engine.private) {
		const pull = await docker(engine, ["pull", "--quiet", name], { timeout: 300_000 });
		if (pull.code === 0) return { name, origin: "pulled" };
	}
	await make(name);
	return { name, origin: "stand-in" };
}

async function importDebian(engine: Engine, name: string, recipe: string): Promise<void> {
	const { tar } = await ensureRootfs();
	const changes = ['CMD ["bash"]', `LABEL ${label}=${recipe}`, `ENV PATH=${path}`];
	await mustDocker(engine, ["import", ...changes.flatMap((change) => ["--change", change]), tar, name]);
}

async function buildNode(engine: Engine, name: string, major: NodeMajor, recipe: string): Promise<void> {
	await ensureDebianImage(engine);
	// npm comes from there in any case.
	await ensureToolchain();
	if (major !== 26) await ensureOlderNodes();
	const { libatomic } = await ensureRootfs();
	await buildStandin(engine, name, recipe, join(standinDir, "Dockerfile"), nodeVersion(major), (context) => {
		cpSync(libatomic, join(context, "libatomic1.deb"));
		cpSync(nodeBinary(major), join(context, "node"));
		chmodSync(join(context, "node"), 0o755);
	});
}

async function buildAlpine(engine: Engine, name: string, recipe: string): Promise<void> {
	await ensureToolchain();
	const version = await must(muslNode, ["--print", "process.versions.node"]);
	await buildStandin(engine, name, recipe, join(alpineDir, "Dockerfile"), version, (context) => {
		cpSync(muslRoot, join(context, "root"), { recursive: true, verbatimSymlinks: true });
	});
}

/** What both kinds have: an entry point, and npm. */
async function buildStandin(
	engine: Engine,
	name: string,
	recipe: string,
	dockerfile: string,
	version: string,
	addFiles: (context: string) => void,
): Promise<void> {
	mkdirSync(cacheDir, { recursive: true });
	const context = mkdtempSync(join(cacheDir, "context-"));
	try {
		for (const file of [dockerfile, join(standinDir, "docker-entrypoint.sh")])
			cpSync(file, join(context, basename(file)));
		cpSync(npmPackage, join(context, "npm"), { recursive: true });
		writeNpmConfig(join(context, "etc"));
		addFiles(context);
		const labels = ["--label", `${label}=${recipe}`, "--build-arg", `NODE_VERSION=${version}`];
		await mustDocker(engine, ["build", "--quiet", "--tag", name, ...labels, context], { timeout: 300_000 });
	} finally {
		rmSync(context, { recursive: true, force: true });
	}
}

/**
 * Where the host needs certificates of its own to reach a registry, npm in the image does too.
 * A setting of npm and not a variable, so that nothing else in a container sees it.
 */
function writeNpmConfig(etc: string): void {
	mkdirSync(etc);
	const extra = extraCertificates();
	if (extra === undefined) return;
	writeFileSync(join(etc, "npm-ca.pem"), [...rootCertificates, extra].join("\n"));
	writeFileSync(join(etc, "npmrc"), "cafile=/usr/local/etc/npm-ca.pem\n");
}

function extraCertificates(): string | undefined {
	const file = process.env.NODE_EXTRA_CA_CERTS;
	return file ? readFileSync(file, "utf8") : undefined;
}

function nodeRecipe(major: NodeMajor): string {
	return recipeOf(nodeVersion(major), readFileSync(join(standinDir, "Dockerfile")));
}

function alpineRecipe(): string {
	return recipeOf(muslRecipe, readFileSync(join(alpineDir, "Dockerfile")));
}

function recipeOf(node: string, dockerfile: Buffer): string {
	const hash = createHash("sha256");
	const entryPoint = readFileSync(join(standinDir, "docker-entrypoint.sh"));
	for (const part of [node, npmVersion(), extraCertificates() ?? "", dockerfile, entryPoint])
		hash.update(part).update("\0");
	return hash.digest("hex").slice(0, 16);
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function docker(engine: Engine, args: string[], options: CommandOptions = {}) {
	return run(engine.client, args, { ...options, env: engineEnv(engine) });
}

function mustDocker(engine: Engine, args: string[], options: CommandOptions = {}) {
	return must(engine.client, args, { ...options, env: engineEnv(engine) });
}
