/** What scripts/release.ts builds for one processor: the single executable, and the image. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { must } from "../../scripts/lib/command.ts";
import { root } from "../../scripts/lib/paths.ts";
import type { Sbom } from "../../scripts/lib/sbom.ts";
import { makeDirectory } from "../helpers/directory.ts";
import { mustDocker, runToEnd } from "../helpers/docker.ts";
import { imageTag } from "../helpers/images.ts";

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

function release(...args: string[]): Promise<string> {
	return must(process.execPath, [join(root, "scripts/release.ts"), ...args], { timeout: 300_000 });
}

test("the single executable has its SBOM: the Node.js in it, with all that this is made of", async () => {
	using directory = makeDirectory();
	await release("executable", directory.path);
	const file = join(directory.path, `lastcall-${version}-linux-${process.arch}`);
	assert.equal(await must(file, ["--version"]), `lastcall ${version}`);
	const sbom: Sbom = JSON.parse(readFileSync(`${file}.cdx.json`, "utf8"));
	const found = Object.fromEntries(sbom.components.map(({ name, version }) => [name, version]));
	for (const name of ["node", "v8", "uv", "openssl", "zlib"] as const)
		assert.equal(found[name], process.versions[name]);
});

test("the image names its version, its base and the base's digest, and is built on that digest", async () => {
	// A name of this checkout: the engine may be another's, too.
	const name = imageTag("release");
	await release("image", name);
	const format = "{{json .Config.Labels}} {{json .RootFS.Layers}}";
	const [labels = "", layers = ""] = (await mustDocker(["image", "inspect", "--format", format, name])).split("} [");
	const found = JSON.parse(`${labels}}`);
	const label = (key: string) => found[`org.opencontainers.image.${key}`];
	assert.deepEqual(
		[label("title"), label("version"), label("licenses"), label("base.name")],
		["lastcall", version, "MIT", "docker.io/library/node:26-bookworm-slim"],
	);
	assert.match(label("base.digest"), /^sha256:[0-9a-f]{64}$/);
	const base = await mustDocker(["image", "inspect", "--format", "{{json .}}", "node:26-bookworm-slim"]);
	const { RootFS, RepoDigests, Id } = JSON.parse(base);
	assert.ok([...RepoDigests, Id].some((digest: string) => digest.endsWith(label("base.digest"))));
	assert.deepEqual(JSON.parse(`[${layers}`).slice(0, RootFS.Layers.length), RootFS.Layers);
	const { stdout } = await runToEnd({ image: name, args: ["--version"] });
	assert.equal(stdout, `lastcall ${version}\n`);
});
