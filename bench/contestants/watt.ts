/** Watt, the application server: each application a thread. A command of its own would have to be an HTTP server. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Contestant } from "../lib/contestant.ts";
import { WATT } from "../lib/names.ts";
import { peersDirectory, peerVersion } from "../peers/install.ts";
import { nodeBinary, programPath } from "./node.ts";

/** Each takes as much memory as twenty threads of the others. */
const MOST = 8;

const NODE_MODULES = join(peersDirectory, "node_modules");

/** The files of a project with that many applications, by path. */
function project(applications: number, program: string): Record<string, string> {
	const ids = Array.from({ length: applications }, (_, index) => `app-${index}`);
	return {
		"watt.json": JSON.stringify({
			$schema: `https://schemas.platformatic.dev/wattpm/${peerVersion("wattpm")}.json`,
			logger: { level: "warn" },
			server: { hostname: "127.0.0.1", port: 0 },
			applications: ids.map((id) => ({ id, path: id })),
		}),
		...Object.assign(
			{},
			...ids.map((id) => ({
				[`${id}/watt.json`]: JSON.stringify({ module: "@platformatic/node", node: { hasServer: false } }),
				[`${id}/package.json`]: JSON.stringify({ type: "module", main: "index.mjs" }),
				[`${id}/index.mjs`]: `export * from ${JSON.stringify(programPath(program))};\n`,
			})),
		),
	};
}

/** Writes a project of idle applications. */
export function writeProject(applications: number, directory: string): void {
	symlinkSync(NODE_MODULES, join(directory, "node_modules"));
	for (const [name, content] of Object.entries(project(applications, "watt-job.mjs"))) {
		const path = join(directory, name);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, content);
	}
}

export function findWatt(): Contestant {
	const command = [nodeBinary(), join(NODE_MODULES, "wattpm/bin/cli.js"), "start"];
	return {
		name: WATT,
		version: peerVersion("wattpm"),
		most: MOST,
		stays: true,
		// There is no directory yet: a shell writes the files, in a few milliseconds, and becomes Watt.
		wrap(program) {
			const files = Object.entries(project(1, "watt-program.mjs"));
			const writes = files.map(
				([path], index) => `mkdir -p ${dirname(path)} && printf %s "$FILE_${index}" > ${path} && `,
			);
			const script = `ln -s "$NODE_MODULES" node_modules && ${writes.join("")}exec "$@"`;
			return {
				command: ["sh", "-c", script, "sh", ...command],
				env: {
					NODE_MODULES,
					PROGRAM: JSON.stringify(program),
					...Object.fromEntries(files.map(([, content], index) => [`FILE_${index}`, content])),
				},
			};
		},
		serve({ threads, processes }, directory) {
			if (processes > 0) return undefined;
			writeProject(threads, directory);
			return { command, cwd: directory };
		},
	};
}
