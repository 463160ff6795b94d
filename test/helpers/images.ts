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

/** What the image is made of: Debian with one of the two Node.js, or Alpine. */
export type Base = 26 | 24 | "alpine";

/** Why there is no image of Alpine, or `false`. In CI there is one always; elsewhere the test runner says whether there is. */
export const noAlpine =
	process.env.CI !== "true" &&
	process.env.LASTCALL_ALPINE !== "true" &&
	"there is no image node:26-alpine (LASTCALL_ENGINE=install npm test makes a stand-in)";

/** The bases, by what a suite says of itself. */
export const BASES: readonly { readonly name: string; readonly base: Base; readonly skip: string | false }[] = [
	{ name: "on Node.js 26", base: 26, skip: false },
	{ name: "on Node.js 24", base: 24, skip: false },
	{ name: "on Alpine", base: "alpine", skip: noAlpine },
];

/** The name of an image that this checkout builds, for instance `lastcall-test-1f2e3d4c/apps:26`. */
export function imageTag(what: string, base: Base = 26): string {
	return `lastcall-test-${checkoutId}/${what}:${base}`;
}

/** The image as users build it, with examples/jobs. */
export function exampleImage(base: Base = 26): Promise<string> {
	return buildImage({
		tag: imageTag("image", base),
		context: ROOT,
		...(base !== 26 && {
			buildArgs: { NODE_IMAGE: base === "alpine" ? "node:26-alpine" : `node:${base}-bookworm-slim` },
		}),
	});
}

/** The same with test/fixtures: start it with `run configs/NAME.json`. */
export async function fixtureImage(base: Base = 26): Promise<string> {
	const IMAGE = await exampleImage(base);
	return buildImage({ tag: imageTag("fixtures", base), context: join(ROOT, "test/fixtures"), buildArgs: { IMAGE } });
}

/** The same with test/fixtures/apps and what they import: start one with `--import lastcall/register apps/NAME.ts`. */
export async function appsImage(base: Base = 26): Promise<string> {
	const IMAGE = await exampleImage(base);
	const context = mkdtempSync(join(tmpdir(), "lastcall-test-image-"));
	try {
		const fixtures = join(ROOT, "test/fixtures");
		cpSync(join(fixtures, "Dockerfile"), join(context, "Dockerfile"));
		cpSync(join(fixtures, "apps"), join(context, "apps"), { recursive: true });
		copyPackages(["@lydell/node-pty", "execa", "fastify"], join(context, "node_modules"));
		return await buildImage({ tag: imageTag("apps", base), context, buildArgs: { IMAGE } });
	} finally {
		rmSync(context, { recursive: true });
	}
}

/** The same with examples/queue, as its Dockerfile says. */
export async function queueImage(base: Base = 26): Promise<string> {
	const IMAGE = await exampleImage(base);
	const context = mkdtempSync(join(tmpdir(), "lastcall-test-image-"));
	try {
		cpSync(join(ROOT, "examples/queue"), context, { recursive: true });
		copyPackages(["ioredis"], join(context, "node_modules"));
		return await buildImage({ tag: imageTag("queue", base), context, buildArgs: { IMAGE } });
	} finally {
		rmSync(context, { recursive: true });
	}
}

/** The same with examples/service, as its Dockerfile says, and the app of examples/in-process. */
export async function serviceImage(base: Base = 26): Promise<string> {
	const IMAGE = await exampleImage(base);
	using context = makeDirectory();
	cpSync(join(ROOT, "examples/service"), context.path, { recursive: true });
	cpSync(join(ROOT, "examples/in-process/app.ts"), join(context.path, "app.ts"));
	return await buildImage({ tag: imageTag("service", base), context: context.path, buildArgs: { IMAGE } });
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
export async function bareImage(libc: "bare" | "other-libc", base: Base = 26): Promise<string> {
	const IMAGE = await exampleImage(base);
	const context = mkdtempSync(join(tmpdir(), "lastcall-test-image-"));
	try {
		cpSync(join(ROOT, "test/fixtures/bare"), context, { recursive: true });
		if (libc === "other-libc") copyOldLibc(join(context, "libraries"));
		return await buildImage({ tag: imageTag(libc, base), context, target: libc, buildArgs: { IMAGE } });
	} finally {
		rmSync(context, { recursive: true });
	}
}
