/** Node.js without an init: as it is, and as a careful author writes it. */
import type { Contestant } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { BARE_NODE, HAND_WRITTEN, HAND_WRITTEN_PINO } from "../lib/names.ts";
import { byHand, nodeProgram } from "./node.ts";

export function findNode(): Contestant[] {
	const version = process.versions.node;
	return [
		{ name: BARE_NODE, version, wrap: (program) => ({ command: nodeProgram("spawn-alone.mjs", ...program) }) },
		{
			name: HAND_WRITTEN,
			version,
			wrap: (program) => ({ command: nodeProgram("spawn-by-hand.mjs", ...program) }),
			serve: ({ threads, processes }) => ({ command: byHand(threads, processes, helper("first")) }),
		},
		{
			name: HAND_WRITTEN_PINO,
			version,
			serve: ({ threads, processes }) => ({ command: byHand(threads, processes, helper("first"), "by-hand-pino.mjs") }),
		},
	];
}
