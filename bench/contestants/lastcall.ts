/** What we compare: every way in. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";
import { readVersion } from "../../src/base/versions.ts";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { LASTCALL, LASTCALL_REGISTER, LASTCALL_RUN, LASTCALL_SINGLE } from "../lib/names.ts";
import { nodeBinary, nodeProgram, programPath } from "./node.ts";
import { typeScriptContestants } from "./typescript.ts";

const MAIN = join(root, "dist/main.cjs");
const REGISTER = join(root, "dist/register.js");
const SINGLE = join(root, "dist-sea/lastcall");

function writeConfig(
	{ threads, processes }: IdleService,
	directory: string,
	job = programPath("idle-job.mjs"),
): string {
	const jobs: Record<string, object> = {};
	for (let index = 0; index < threads; index++) jobs[`thread-${index}`] = { thread: job };
	for (let index = 0; index < processes; index++) jobs[`process-${index}`] = { command: [helper("first")] };
	const path = join(directory, "lastcall.config.json");
	writeFileSync(path, JSON.stringify({ jobs }));
	return path;
}

/** A service whose files are in a directory of their own, as in an image: there `lastcall check` keeps its texts. */
function serveTypeScript(threads: number, directory: string, isPrepared: boolean): Launch {
	for (const file of ["idle-job.ts", "stamp.ts"]) cpSync(programPath(file), join(directory, file));
	mkdirSync(join(directory, "node_modules"));
	const config = writeConfig({ threads, processes: 0 }, directory, join(directory, "idle-job.ts"));
	if (isPrepared) execFileSync(nodeBinary(), [MAIN, "check", config]);
	return runLaunch(config, directory);
}

/** Each init has a socket of its own: contestants share the file system. */
function runLaunch(config: string, directory: string): Launch {
	return { command: [nodeBinary(), MAIN, "run", config], env: { LASTCALL_SOCKET: join(directory, "lastcall.sock") } };
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
			serve: (service, directory) => runLaunch(writeConfig(service, directory), directory),
		},
		...typeScriptContestants({ name: LASTCALL_RUN, version }, serveTypeScript),
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
