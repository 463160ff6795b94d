/** The service of README.md as an image, built as its users build it. */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { makeDirectory } from "./directory.ts";
import { buildImage } from "./docker.ts";
import { type Base, imageTag } from "./images.ts";
import { addPackage, packPackage } from "./package.ts";
import { readmeFiles } from "./readme.ts";

/**
 * `npm ci` in the image takes the package from where the lock file says: here from this process, as from a registry.
 *
 * @param files Instead of README.md's files of the same names, or beside them.
 */
export async function readmeImage(files: Record<string, string> = {}, base: Base = 26): Promise<string> {
	using project = makeDirectory({ ...readmeFiles(), ".dockerignore": "node_modules\n", ...files });
	using packed = makeDirectory();
	const { file } = await packPackage(packed.path);
	const registry = createServer((_request, response) => createReadStream(join(packed.path, file)).pipe(response));
	registry.listen(0, "127.0.0.1");
	await once(registry, "listening");
	try {
		const { port } = registry.address() as AddressInfo;
		await addPackage(project.path, `http://127.0.0.1:${port}/${file}`);
		return await buildImage({ tag: imageTag("readme", base), context: project.path, timeout: 500_000 });
	} finally {
		registry.close();
	}
}
