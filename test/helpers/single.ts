/** The single executable, and an image without Node.js that has it. */
import { execFileSync } from "node:child_process";
import {
	copyFileSync,
	existsSync,
	mkdtempSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "./docker.ts";

const ROOT = join(import.meta.dirname, "../..");
const SINGLE = join(ROOT, "dist-sea/lastcall");

let built = false;

/** Path of the single executable; built once in each test file. */
export function singleExecutable(): string {
	if (!built)
		execFileSync(process.execPath, [join(ROOT, "scripts/sea.ts")], {
			timeout: 300_000,
		});
	built = true;
	return SINGLE;
}

/** As docs/drop-in.md has it; the library that debian:slim lacks comes from this machine instead of a registry. */
export async function singleImage(): Promise<string> {
	const executable = singleExecutable();
	const context = mkdtempSync(join(tmpdir(), "lastcall-test-"));
	try {
		copyFileSync(executable, join(context, "lastcall"));
		const libraries = execFileSync("ldd", [executable], { encoding: "utf8" });
		const libatomic = /libatomic\.so\.1 => (\S+)/.exec(libraries)?.[1];
		if (!libatomic || !existsSync(libatomic))
			throw new Error(`Cannot find libatomic.so.1 in:\n${libraries}`);
		copyFileSync(libatomic, join(context, "libatomic.so.1"));
		writeFileSync(
			join(context, "Dockerfile"),
			[
				"FROM debian:bookworm-slim",
				"COPY libatomic.so.1 /usr/local/lib/",
				"RUN ldconfig",
				"COPY lastcall /usr/local/bin/",
				'ENTRYPOINT ["lastcall", "--"]',
				"",
			].join("\n"),
		);
		return await buildImage({ tag: "lastcall-test-single", context });
	} finally {
		rmSync(context, { recursive: true });
	}
}
