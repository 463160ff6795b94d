import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { bundleMain } from "./bundle.ts";
import { root } from "./paths.ts";

/**
 * Makes the single executable: Node.js with the program inside.
 *
 * @param output Its path. The folder is made.
 * @param node The command of the Node.js that goes inside, for its own processor. @default this one
 */
export async function buildSingle(output: string, node: readonly string[] = [process.execPath]): Promise<void> {
	mkdirSync(dirname(output), { recursive: true });
	const work = mkdtempSync(join(tmpdir(), "lastcall-sea-"));
	try {
		// The name alone: it stays in the executable, and where that was built is nobody's business.
		const main = "main.cjs";
		await bundleMain(join(work, main), { absWorkingDir: root, sourcemap: false });
		const config = {
			main,
			output: resolve(output),
			// Without it Node.js says on stderr that this is experimental, in every container.
			disableExperimentalSEAWarning: true,
			useCodeCache: true,
			execArgv: ["--disable-warning=ExperimentalWarning"],
			// NODE_OPTIONS and the like are for the program: it gets them, we do not read them.
			execArgvExtension: "none",
		};
		writeFileSync(join(work, "sea-config.json"), JSON.stringify(config));
		const [command = "", ...args] = [...node, "--build-sea", "sea-config.json"];
		execFileSync(command, args, { cwd: work, stdio: "inherit" });
	} finally {
		rmSync(work, { recursive: true });
	}
}
