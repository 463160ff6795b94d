/** Node.js without an init: as it is, and as a careful author writes it. */
import type { Contestant } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { BARE_NODE, HAND_WRITTEN, HAND_WRITTEN_PINO } from "../lib/names.ts";
import { byHand, nodeProgram } from "./node.ts";
import { typeScriptContestants } from "./typescript.ts";

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
		...typeScriptContestants({ name: HAND_WRITTEN, version }, ["by-hand.ts", "wait-for-flag.ts"], (threads) => ({
			command: nodeProgram("by-hand.ts", String(threads)),
		})),
		...typeScriptContestants(
			{ name: HAND_WRITTEN_PINO, version },
			["by-hand-pino.ts", "wait-for-flag.ts"],
			(threads) => ({ command: nodeProgram("by-hand-pino.ts", String(threads)) }),
		),
	];
}
