import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import { BINDINGS } from "../helpers/bindings.ts";
import { namespace } from "../helpers/lastcall.ts";

const FIXTURE = join(import.meta.dirname, "../fixtures/take-over.ts");

/** Nothing below /proc: `exec` puts the arguments in the place of the shell, which has mounted over it. */
const HIDDEN = ["--mount", "sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh"];

const SURROUNDINGS: Readonly<Record<string, readonly string[]>> = { "with /proc": [], "without /proc": HIDDEN };

for (const [binding, flags] of BINDINGS) {
	for (const [surroundings, prefix] of Object.entries(SURROUNDINGS))
		suite(`takeOver() as PID 1, through ${binding}, ${surroundings}`, () => {
			for (const [moment, early, heard] of [
				["before", true, false],
				["between", true, false],
				["after", false, true],
				["never", false, false],
			] as const) {
				test(`a signal that comes ${moment === "between" ? "between the look and the listener" : moment} is ${early ? "noticed" : heard ? "heard" : "not made up"}`, () => {
					const [command = "", ...args] = [
						...namespace(),
						...prefix,
						...[process.execPath, "--no-warnings", ...flags, FIXTURE, moment],
					];
					const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
					const lines = ["SIGTERM", "SIGINT"].map((signal) => `${signal} early: ${early}, heard: ${heard}`);
					lines.push("umask is what it was: true");
					assert.equal(stdout, `${lines.join("\n")}\n`, stderr);
				});
			}
		});
}
