/** The images that container tests run. Building one that is there already takes a second. */
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyOldLibc, oldLibc } from "../../scripts/lib/old-libc.ts";
import { checkoutId } from "../../scripts/lib/paths.ts";
import { compile } from "./c-programs.ts";
import { makeDirectory } from "./directory.ts";
import { buildImage } from "./docker.ts";
import { copyPackages } from "./packages.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Why there is no image with an old C library, or `false`. In CI there is one always. */
export const noOldLibc =
	process.env.CI !== "true" &&
	!existsSync(oldLibc) &&
	"not downloaded: an old C library (LASTCALL_ENGINE=install npm test downloads it)";

/** The name of an image that this checkout builds, for instance `lastcall-test-1f2e3d4c/apps:26`. */
export function imageTag(what: string, major: 24 | 26 = 26): string {
	return `lastcall-test-${checkoutId}/${what}:${major}`;
}

/** The image as users build it, with examples/jobs. */
export function exampleImage(major: 24 | 26 = 26): Promise<string> {
	return buildImage({
		tag: imageTag("image", major),
		context: ROOT,
		...(major !== 26 && { buildArgs: { NODE_IMAGE: `node:${major}-bookworm-slim` } }),
	});
}

/** The same with test/fixtures: start it with `run configs/NAME.json`. */
export async function fixtureImage(major: 24 | 26 = 26): Promise<string> {
	const base = await exampleImage(major);
	return buildImage({
		tag: imageTag("fixtures", major),
		context: join(ROOT, "test/fixtures"),
		buildArgs: { IMAGE: base },
	});
}

/** The same with test/fixtures/apps and what they import: start one with `--import lastcall/register apps/NAME.ts`. */
export async function appsImage(major: 24 | 26 = 26): Promise<string> {
	const base = await exampleImage(major);
	const context = mkdtempSync(join(tmpdir(), "lastcall-test-image-"));
	try {
		const fixtures = join(ROOT, "test/fixtures");
		cpSync(join(fixtures, "Dockerfile"), join(context, "Dockerfile"));
		cpSync(join(fixtures, "apps"), join(context, "apps"), { recursive: true });
		copyPackages(["@lydell/node-pty", "execa", "fastify"], join(context, "node_modules"));
		return await buildImage({ tag: imageTag("apps", major), context, buildArgs: { IMAGE: base } });
	} finally {
		rmSync(context, { recursive: true });
	}
}

/** The same with examples/queue, as its Dockerfile says. */
export async function queueImage(major: 24 | 26 = 26): Promise<string> {
	const base = await exampleImage(major);
	const context = mkdtempSync(join(tmpdir(), "lastcall-test-image-"));
	try {
		cpSync(join(ROOT, "examples/queue"), context, { recursive: true });
		copyPackages(["ioredis"], join(context, "node_modules"));
		return await buildImage({ tag: imageTag("queue", major), context, buildArgs: { IMAGE: base } });
	} finally {
		rmSync(context, { recursive: true });
	}
}

/** The same with examples/service, as its Dockerfile says, and the app of examples/in-process. */
export async function serviceImage(major: 24 | 26 = 26): Promise<string> {
	const base = await exampleImage(major);
	using context = makeDirectory();
	cpSync(join(ROOT, "examples/service"), context.path, { recursive: true });
	cpSync(join(ROOT, "examples/in-process/app.ts"), join(context.path, "app.ts"));
	return await buildImage({ tag: imageTag("service", major), context: context.path, buildArgs: { IMAGE: base } });
}

/** What holds the namespaces of a pod. */
export async function pauseImage(): Promise<string> {
	using context = await compile("pause");
	writeFileSync(join(context.path, "Dockerfile"), 'FROM scratch\nCOPY pause /\nENTRYPOINT ["/pause"]\n');
	return await buildImage({ tag: imageTag("pause"), context: context.path });
}

/** The image as users build it, with /faketime.so for LD_PRELOAD. */
export async function faketimeImage(): Promise<string> {
	return buildImage({
		tag: imageTag("faketime"),
		context: join(ROOT, "test/fixtures/faketime"),
		buildArgs: { IMAGE: await exampleImage() },
	});
}

/**
 * Nothing but Node.js, the libraries that it loads, and the package, with test/fixtures/bare/app.
 *
 * @param libc The libraries: the base image's, or those of glibc 2.31.
 */
export async function bareImage(libc: "bare" | "other-libc", major: 24 | 26 = 26): Promise<string> {
	const IMAGE = await exampleImage(major);
	const context = mkdtempSync(join(tmpdir(), "lastcall-test-image-"));
	try {
		cpSync(join(ROOT, "test/fixtures/bare"), context, { recursive: true });
		if (libc === "other-libc") copyOldLibc(join(context, "libraries"));
		return await buildImage({ tag: imageTag(libc, major), context, target: libc, buildArgs: { IMAGE } });
	} finally {
		rmSync(context, { recursive: true });
	}
}
