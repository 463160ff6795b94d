/** Makes dist/: each way in bundled (fewer files, faster start), and the types. */
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
	bundleApi,
	bundleLoader,
	bundlePackages,
	bundleProgram,
	bundleRegister,
	bundleScript,
	bundleSubcommands,
	INLINED,
	WITH_BYTECODE,
} from "./lib/bundle.ts";
import { licensesOf } from "./lib/licenses.ts";
import { pruneTypes } from "./lib/types.ts";
import { configJsonSchema } from "./schema.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
rmSync("dist", { recursive: true, force: true });

await bundleLoader("dist/main.cjs");
await bundleProgram("dist/program.cjs");
// What `run` does not need is not kept in memory.
await bundleSubcommands("dist/subcommands.cjs");
for (const name of ["thread-entry", "process-entry"]) await bundleScript(`src/job/${name}.ts`, `dist/${name}.cjs`);
await bundleScript("src/rehearse/rehearse.ts", "dist/rehearse.cjs");
await bundleScript("src/cli/init.ts", "dist/init.cjs");
await bundleRegister("dist/register.js");
await bundleApi("dist");
const inlined = INLINED.map((name) => `node_modules/${name}`);
const packages = await bundlePackages("dist/packages");
writeFileSync("dist/LICENSES", licensesOf([...inlined, ...packages]));
chmodSync("dist/main.cjs", 0o755);
for (const [directory, name] of [
	["dist", "program"],
	["dist", "subcommands"],
	...WITH_BYTECODE.map((name) => ["dist/packages", name]),
])
	execFileSync(process.execPath, ["scripts/lib/bytecode.ts", directory as string, name as string], {
		stdio: "inherit",
		timeout: 60_000,
	});

writeFileSync("dist/schema.json", JSON.stringify(configJsonSchema()));

execFileSync("node_modules/.bin/tsc", ["--project", "tsconfig.build.json"], { stdio: "inherit" });
pruneTypes("dist/types", ["index.d.ts", "register.d.ts"]);
