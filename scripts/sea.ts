/** `npm run build:sea`: dist-sea/lastcall, one executable with Node.js inside, for images that have none. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleMain } from "./lib/bundle.ts";
import { root } from "./lib/paths.ts";

process.chdir(root);
const directory = "dist-sea";
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory);

const main = join(directory, "main.cjs");
const config = join(directory, "sea-config.json");
await bundleMain(main, { sourcemap: false });
writeFileSync(
	config,
	JSON.stringify({
		main,
		output: join(directory, "lastcall"),
		// Without it Node.js says on stderr that this is experimental, in every container.
		disableExperimentalSEAWarning: true,
		useCodeCache: true,
		execArgv: ["--disable-warning=ExperimentalWarning"],
		// NODE_OPTIONS and the like are for the program: it gets them, we do not read them.
		execArgvExtension: "none",
	}),
);
execFileSync(process.execPath, ["--build-sea", config], { stdio: "inherit" });
rmSync(config);
rmSync(main);
