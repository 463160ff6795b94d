/** The single executable, and the image of examples/drop-in, which has no other Node.js. */
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { buildImage } from "./docker.ts";
import { imageTag } from "./images.ts";

const ROOT = join(import.meta.dirname, "../..");
const SINGLE = join(ROOT, "dist-sea/lastcall");

let built = false;

/** Path of the single executable; built once in each test file. */
export function singleExecutable(): string {
	if (!built) execFileSync(process.execPath, [join(ROOT, "scripts/sea.ts")], { timeout: 300_000 });
	built = true;
	return SINGLE;
}

export async function singleImage(): Promise<string> {
	return await buildImage({
		tag: imageTag("single"),
		context: dirname(singleExecutable()),
		dockerfile: join(ROOT, "examples/drop-in/Dockerfile"),
	});
}
