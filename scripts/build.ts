/** Makes dist/: each way in bundled (fewer files, faster start), and the types. */
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import {
	bundleProgram,
	bundleRegister,
	common,
	LOADED_LATER,
	withoutFacades,
} from "./lib/bundle.ts";
import { configJsonSchema } from "./schema.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
rmSync("dist", { recursive: true, force: true });

await bundleProgram("dist");
await bundleRegister("dist/register.js");
chmodSync("dist/main.cjs", 0o755);
execFileSync(process.execPath, ["scripts/lib/bytecode.ts", "dist"], {
	stdio: "inherit",
	timeout: 60_000,
});

await build({
	...common,
	plugins: [withoutFacades],
	// Flat on purpose: thread.ts finds thread-entry beside itself.
	entryPoints: [...LOADED_LATER, "src/index.ts", "src/job/thread-entry.ts"],
	entryNames: "[name]",
	chunkNames: "chunk-[name]-[hash]",
	outdir: "dist",
	format: "esm",
	splitting: true,
});
writeFileSync("dist/schema.json", JSON.stringify(configJsonSchema()));

execFileSync("node_modules/.bin/tsc", ["--project", "tsconfig.build.json"], {
	stdio: "inherit",
});
