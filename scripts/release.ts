/**
 * `node scripts/release.ts COMMAND`: the steps of a release. .github/workflows/release.yml runs them, and each runs by hand, too.
 * Nothing is published here.
 *
 * - `check [TAG]`: every place that has the version has the same one, and with a tag everything is ready for that release.
 * - `cut VERSION`: writes a new version into every place.
 * - `notes`: prints what CHANGELOG.md says of the version.
 * - `package DIRECTORY`: builds, and packs the tarball for npm; with its SBOM.
 * - `executable DIRECTORY`: builds the single executable for this machine's processor; with its SBOM.
 * - `checksums DIRECTORY`: writes SHA256SUMS of all files there, as sha256sum(1) checks it.
 * - `image [NAME]`: builds the image for this machine's processor, on a base named by its digest, and prints its name.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { must, run } from "./lib/command.ts";
import { findClient } from "./lib/docker-cli.ts";
import { root } from "./lib/paths.ts";
import { type Sbom, sbomOfExecutable, sbomOfPackage } from "./lib/sbom.ts";
import { runScript, ScriptError } from "./lib/script.ts";
import { buildSingle } from "./lib/single.ts";
import { CHANGELOG, cutVersion, findDisagreements, PLACES, sectionOf, type Texts } from "./lib/versions.ts";

const BASE = "node:26-bookworm-slim";
const CHECKSUMS = "SHA256SUMS";

const COMMANDS: Readonly<Record<string, (argument: string | undefined) => void | Promise<void>>> = {
	check(tag) {
		const found = findDisagreements(readTexts(), tag);
		if (tag !== undefined) found.push(...findRepositoryFaults());
		if (found.length > 0) throw new ScriptError(`The version is not the same everywhere:\n${found.join("\n")}`);
	},

	cut(version = "") {
		if (!/^\d+\.\d+\.\d+$/.test(version))
			throw new ScriptError(`Cannot cut "${version}": expected a version such as 0.2.0`, { exitCode: 2 });
		const today = new Date().toISOString().slice(0, 10);
		for (const [file, text] of Object.entries(cutVersion(readTexts(), version, today)))
			writeFileSync(join(root, file), text);
	},

	notes() {
		console.log(sectionOf(readTexts()[CHANGELOG] ?? "", manifest().version));
	},

	async package(directory) {
		const target = makeTarget(directory);
		// Its script `prepack` builds.
		const packed = await must("npm", ["pack", "--json", "--pack-destination", target], { cwd: root, timeout: 300_000 });
		// What the build prints comes first.
		const [{ filename }] = JSON.parse(packed.slice(packed.search(/^\[/m)));
		const tarball = join(target, filename);
		writeSbom(tarball.replace(/\.tgz$/, ""), await sbomOfPackage(tarball));
	},

	async executable(directory) {
		const file = join(makeTarget(directory), `lastcall-${manifest().version}-linux-${process.arch}`);
		await buildSingle(file);
		writeSbom(file, await sbomOfExecutable(file));
	},

	checksums(directory) {
		const target = makeTarget(directory);
		const names = readdirSync(target).filter((name) => name !== CHECKSUMS);
		const lines = names.sort().map((name) => `${sha256(join(target, name))}  ${name}\n`);
		writeFileSync(join(target, CHECKSUMS), lines.join(""));
	},

	async image(name = `lastcall:${manifest().version}`) {
		const client = await findClient();
		if (client === undefined) throw new ScriptError("Cannot build the image: no Docker engine answers");
		const base = await resolveBase(client);
		const { version, description, license } = manifest();
		const labels = {
			title: "lastcall",
			description,
			version,
			licenses: license,
			source: repositoryUrl(),
			revision: (await run("git", ["rev-parse", "HEAD"], { cwd: root })).stdout.trim() || undefined,
			"base.name": `docker.io/library/${BASE}`,
			"base.digest": base.replace(/^.*@/, ""),
		};
		const flags = Object.entries(labels)
			.filter(([, value]) => value !== undefined)
			.flatMap(([key, value]) => ["--label", `org.opencontainers.image.${key}=${value}`]);
		const build = ["build", "--quiet", "--network=host", "--tag", name, "--build-arg", `NODE_IMAGE=${base}`];
		await must(client, [...build, ...flags, root], { timeout: 900_000 });
		console.log(name);
	},
};

/** The base by the digest that its name has in the registry now; an image that came from no registry, by its id. */
async function resolveBase(client: string): Promise<string> {
	await run(client, ["pull", "--quiet", BASE], { timeout: 300_000 });
	const format = "{{json .RepoDigests}} {{json .Id}}";
	const [digests = "[]", id = ""] = (await must(client, ["image", "inspect", "--format", format, BASE])).split(" ");
	const [digest] = JSON.parse(digests);
	return digest ?? JSON.parse(id);
}

function makeTarget(directory: string | undefined): string {
	if (directory === undefined) throw new ScriptError("Expected a directory", { exitCode: 2 });
	const target = resolve(directory);
	mkdirSync(target, { recursive: true });
	return target;
}

function writeSbom(path: string, sbom: Sbom): void {
	writeFileSync(`${path}.cdx.json`, `${JSON.stringify(sbom, null, "\t")}\n`);
}

function sha256(file: string): string {
	return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function readTexts(): Texts {
	const files = [...Object.keys(PLACES), CHANGELOG];
	return Object.fromEntries(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
}

interface Manifest {
	readonly version: string;
	readonly description: string;
	readonly license: string;
	readonly repository?: { readonly url: string };
}

function manifest(): Manifest {
	return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}

/** As a web address. */
function repositoryUrl(): string | undefined {
	return manifest()
		.repository?.url.replace(/^git\+/, "")
		.replace(/\.git$/, "");
}

/** npm publishes with provenance only what names the repository that the workflow runs in. */
function findRepositoryFaults(): string[] {
	const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
	if (GITHUB_REPOSITORY === undefined) return [];
	const here = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`;
	const found = repositoryUrl();
	return found === here
		? []
		: [
				`package.json: found ${found ?? "no repository"}, expected "repository": {"type": "git", "url": "git+${here}.git"}`,
			];
}

await runScript(async () => {
	const [name = "", argument] = process.argv.slice(2);
	const command = COMMANDS[name];
	if (command === undefined)
		throw new ScriptError(`Expected one of ${Object.keys(COMMANDS).join(", ")}; found "${name}"`, { exitCode: 2 });
	await command(argument);
	return 0;
});
