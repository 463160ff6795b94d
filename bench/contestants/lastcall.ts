/** What we compare: every way in. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";
import { readVersion } from "../../src/base/versions.ts";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { LASTCALL, LASTCALL_REGISTER, LASTCALL_RUN, LASTCALL_SINGLE } from "../lib/names.ts";
import { nodeBinary, nodeProgram, programPath } from "./node.ts";

const MAIN = join(root, "dist/main.cjs");
const REGISTER = join(root, "dist/register.js");
const SINGLE = join(root, "dist-sea/lastcall");

function writeConfig({ threads, processes }: IdleService, directory: string): string {
	const jobs: Record<string, object> = {};
	for (let index = 0; index < threads; index++) jobs[`thread-${index}`] = { thread: programPath("idle-job.mjs") };
	for (let index = 0; index < processes; index++) jobs[`process-${index}`] = { command: [helper("first")] };
	const path = join(directory, "lastcall.config.json");
	writeFileSync(path, JSON.stringify({ jobs }));
	return path;
}

export function findLastcall(): Contestant[] {
	const version = readVersion();
	const single: Contestant = {
		name: LASTCALL_SINGLE,
		version,
		wrap: (program) => ({ command: [SINGLE, "--", ...program] }),
	};
	return [
		{ name: LASTCALL, version, wrap: (program) => ({ command: [nodeBinary(), MAIN, "--", ...program] }) },
		...(existsSync(SINGLE) ? [single] : []),
		{
			name: LASTCALL_RUN,
			version,
			// There is no directory yet: a shell writes the file, in a millisecond, and becomes the init.
			wrap: (program) => ({
				command: [
					"sh",
					"-c",
					'export LASTCALL_SOCKET="$PWD/lastcall.sock" && printf %s "$CONFIG" > lastcall.config.json && exec "$@"',
					"sh",
					nodeBinary(),
					MAIN,
					"run",
				],
				env: { CONFIG: JSON.stringify({ jobs: { program: { command: program } } }) },
			}),
			serve(service, directory): Launch {
				const config = writeConfig(service, directory);
				return {
					command: [nodeBinary(), MAIN, "run", config],
					// Each its own: contestants share the file system.
					env: { LASTCALL_SOCKET: join(directory, "lastcall.sock") },
				};
			},
		},
		{
			name: LASTCALL_REGISTER,
			version,
			wrap: (program) => ({
				command: [nodeBinary(), "--import", REGISTER, programPath("spawn-alone.mjs"), ...program],
			}),
			serve(service, directory): Launch {
				const config = writeConfig(service, directory);
				const [node = "", ...app] = nodeProgram("start-jobs.mjs", config);
				return { command: [node, "--import", REGISTER, ...app] };
			},
		},
	];
}
