import assert from "node:assert/strict";
import { startLastcall } from "./lastcall.ts";
import { program } from "./programs.ts";
import { PATIENCE_MS } from "./until.ts";

/** Restarts a job so many times, and checks that nothing is left of them that would hold the stop. */
export async function restartAgainAndAgain(restarts: number): Promise<void> {
	await using lastcall = await startLastcall({
		stopTimeout: "1h",
		jobs: {
			flaky: { command: ["true"], restart: "always", restartDelay: "0s", maxRestarts: restarts, essential: false },
			other: { command: program("waiting.sh", "other") },
		},
	});
	await lastcall.lines.waitFor(new RegExp(`"restarts":${restarts},`), { timeout: PATIENCE_MS + 200 * restarts });
	await lastcall.lines.waitFor(/other: running/);
	lastcall.kill("SIGTERM");
	assert.equal((await lastcall.exit()).code, 0);
}
