/** The images that container tests run. Building one that is there already takes a second. */
import { join } from "node:path";
import { buildImage } from "./docker.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The image as users build it, with examples/jobs. */
export function exampleImage(major: 24 | 26 = 26): Promise<string> {
	return buildImage({
		tag: `lastcall-test:${major}`,
		context: ROOT,
		...(major !== 26 && {
			buildArgs: { NODE_IMAGE: `node:${major}-bookworm-slim` },
		}),
	});
}

/** The same with test/fixtures: start it with `run configs/NAME.json`. */
export async function fixtureImage(major: 24 | 26 = 26): Promise<string> {
	const base = await exampleImage(major);
	return buildImage({
		tag: `lastcall-test-fixtures:${major}`,
		context: join(ROOT, "test/fixtures"),
		buildArgs: { IMAGE: base },
	});
}
