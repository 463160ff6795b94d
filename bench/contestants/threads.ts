/** Whoever has threads only: Bree, and the pattern in Python that lastcall comes from. */
import type { Contestant } from "../lib/contestant.ts";
import { peerVersion, requirePeer } from "../peers/install.ts";
import { versionOf } from "./installed.ts";
import { nodeProgram, programPath } from "./node.ts";

/** Debian's own: a version manager's wrapper would be measured instead. */
const PYTHON = "/usr/bin/python3";

export async function findThreads(): Promise<Contestant[]> {
	const bree = requirePeer.resolve("bree");
	const found: Contestant[] = [
		{
			name: "Bree",
			version: peerVersion("bree"),
			serve: ({ threads, processes }) =>
				processes > 0 ? undefined : { command: nodeProgram("bree.mjs", bree, String(threads)) },
		},
	];
	const version = await versionOf(PYTHON, "--version");
	if (version === undefined) return found;
	const patterns = { "Python pattern, polling": "poll", "Python pattern, Event.wait()": "wait" };
	for (const [name, kind] of Object.entries(patterns))
		found.push({
			name,
			version,
			serve: ({ threads, processes }) =>
				processes > 0 ? undefined : { command: [PYTHON, programPath("pattern.py"), String(threads), kind] },
		});
	return found;
}
