/** Makes dist/: each way in bundled (fewer files, faster start), and the types. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
	BUNDLED,
	bundleApi,
	bundleLoader,
	bundleProgram,
	bundleRegister,
	bundleScript,
} from "./lib/bundle.ts";
import { configJsonSchema } from "./schema.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
rmSync("dist", { recursive: true, force: true });

await bundleLoader("dist/main.cjs");
await bundleProgram("dist/program.cjs");
// What `run` does not need is not kept in memory.
await bundleScript("src/main.ts", "dist/subcommands.cjs");
await bundleScript("src/job/thread-entry.ts", "dist/thread-entry.cjs");
await bundleRegister("dist/register.js");
await bundleApi("dist");
chmodSync("dist/main.cjs", 0o755);
execFileSync(process.execPath, ["scripts/lib/bytecode.ts", "dist"], {
	stdio: "inherit",
	timeout: 60_000,
});

for (const name of BUNDLED)
	copyFileSync(`node_modules/${name}/LICENSE.md`, `dist/LICENSE-${name}.md`);
writeFileSync("dist/schema.json", JSON.stringify(configJsonSchema()));

execFileSync("node_modules/.bin/tsc", ["--project", "tsconfig.build.json"], {
	stdio: "inherit",
});
