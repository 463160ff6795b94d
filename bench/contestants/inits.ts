/** The small inits in C: one program in the foreground, no services. */
import type { Contestant } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { HAND_WRITTEN, TINI } from "../lib/names.ts";
import { versionOf } from "./installed.ts";
import { byHand } from "./node.ts";

const FLAGS: Readonly<Record<string, readonly string[]>> = { [TINI]: ["--"], "dumb-init": ["--"], catatonit: ["--"] };

export async function findInits(): Promise<Contestant[]> {
	const found: Contestant[] = [];
	for (const [name, flags] of Object.entries(FLAGS)) {
		const version = await versionOf(name, "--version");
		if (version === undefined) continue;
		found.push({ name, version, wrap: (program) => ({ command: [name, ...flags, ...program] }) });
		// What is often said to be enough.
		if (name === TINI)
			found.push({
				name: `${TINI} + ${HAND_WRITTEN}`,
				version,
				serve: ({ threads, processes }) => ({
					command: [name, ...flags, ...byHand(threads, processes, helper("first"))],
				}),
			});
	}
	return found;
}
