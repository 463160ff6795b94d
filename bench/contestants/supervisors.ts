/** Supervisors: they read a file for what they start, and have processes only. With a service of threads they run the one that is written by hand. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { HAND_WRITTEN } from "../lib/names.ts";
import { peerVersion, requirePeer } from "../peers/install.ts";
import { versionOf } from "./installed.ts";
import { byHand, nodeBinary } from "./node.ts";

type Command = readonly string[];

/** Of those that wait for each program. */
const MOST = 500;

interface Supervisor {
	readonly name: string;
	readonly version: string;
	/** Content of the files it wants, by path within a directory. */
	files(programs: readonly Command[]): Readonly<Record<string, string>>;
	/** To be started in that directory. */
	readonly command: Command;
	readonly env?: Readonly<Record<string, string>>;
	/** Programs at the most: with more it takes minutes to start. @default no limit */
	readonly most?: number;
}

export async function findSupervisors(): Promise<Contestant[]> {
	const supervisors = [await supervisord(), await s6(), pm2()];
	return supervisors
		.filter((supervisor) => supervisor !== undefined)
		.flatMap((supervisor) => [plain(supervisor), withThreads(supervisor)]);
}

async function supervisord(): Promise<Supervisor | undefined> {
	const version = await versionOf("supervisord", "--version");
	if (version === undefined) return undefined;
	return {
		name: "supervisord",
		version,
		files(programs) {
			const head =
				"[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=supervisord.pid\n";
			const sections = programs.map(
				(program, index) =>
					`[program:program-${index}]\ncommand=${program.join(" ")}\nstdout_logfile=/dev/null\nredirect_stderr=true\n`,
			);
			return { "supervisord.conf": [head, ...sections].join("\n") };
		},
		command: ["supervisord", "--configuration", "supervisord.conf"],
		most: MOST,
	};
}

async function s6(): Promise<Supervisor | undefined> {
	if ((await versionOf("s6-svscan", "-h")) === undefined) return undefined;
	return {
		name: "s6",
		// It tells no version of its own.
		version: (await versionOf("dpkg-query", "--show", "s6")) ?? "unknown",
		files: (programs) =>
			Object.fromEntries(
				programs.map((program, index) => [`program-${index}/run`, `#!/bin/sh\nexec ${program.join(" ")}\n`]),
			),
		command: ["s6-svscan", "-c", "1000", "."],
	};
}

function pm2(): Supervisor {
	const path = requirePeer.resolve("pm2/bin/pm2-runtime");
	return {
		name: "pm2-runtime",
		version: peerVersion("pm2"),
		files(programs) {
			const apps = programs.map(([script, ...args], index) => ({
				name: `program-${index}`,
				script,
				args,
				interpreter: "none",
			}));
			return { "ecosystem.config.json": JSON.stringify({ apps }) };
		},
		command: [nodeBinary(), path, "start", "ecosystem.config.json"],
		env: { PM2_HOME: "." },
		most: MOST,
	};
}

/** With the processes of a service. */
function plain(supervisor: Supervisor): Contestant {
	const { name, version, most } = supervisor;
	return {
		name,
		version,
		...(most !== undefined && { most }),
		stays: true,
		wrap: (program) => writeAndStart(supervisor, [program]),
		serve({ threads, processes }, directory) {
			if (threads > 0) return undefined;
			const member = [helper("first")];
			return start(supervisor, Array(processes).fill(member), directory);
		},
	};
}

/** With the threads of a service, in a Node.js process below it. */
function withThreads(supervisor: Supervisor): Contestant {
	const { name, version } = supervisor;
	return {
		name: `${name} + ${HAND_WRITTEN}`,
		version,
		serve({ threads, processes }: IdleService, directory) {
			if (processes > 0) return undefined;
			return start(supervisor, [byHand(threads, 0, "")], directory);
		},
	};
}

function start({ files, command, env }: Supervisor, programs: readonly Command[], directory: string): Launch {
	for (const [name, content] of Object.entries(files(programs))) {
		const path = join(directory, name);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, content, { mode: 0o755 });
	}
	return { command, cwd: directory, ...(env && { env }) };
}

/** Where there is no directory yet a shell writes the files, in a millisecond or two, and becomes the supervisor. */
function writeAndStart({ files, command, env }: Supervisor, programs: readonly Command[]): Launch {
	const contents = Object.entries(files(programs));
	const variables = contents.map(([, content], index) => [`FILE_${index}`, content] as const);
	const writes = contents.map(
		([name], index) => `mkdir -p ${dirname(name)} && printf %s "$FILE_${index}" > ${name} && chmod 755 ${name} && `,
	);
	return {
		command: ["sh", "-c", `${writes.join("")}exec "$@"`, "sh", ...command],
		env: { ...env, ...Object.fromEntries(variables) },
	};
}
