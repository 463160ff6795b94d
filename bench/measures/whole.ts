import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";
import { nodeBinary } from "../contestants/node.ts";
import type { Launch } from "../lib/contestant.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import { HAND_WRITTEN, LASTCALL, LASTCALL_SINGLE } from "../lib/names.ts";
import { atMost, type Row } from "../lib/result.ts";
import { median, percentile } from "../lib/statistics.ts";
import { Stopwatch } from "../lib/stopwatch.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const ALONE = "no init";
export const EMPTY = "node empty.cjs";
const LIMIT = 1.15;
const PROGRAM = ["true"];

/** Milliseconds from execvp(3) until it is gone. */
async function toEnd(launch: Launch): Promise<number> {
	await using running = await Stopwatch.start(launch);
	return await running.end();
}

export const measure: Measure = {
	name: "whole",
	async run(circumstances) {
		const { contestants, say } = circumstances;
		const turns = turnsOf(circumstances, 40, 5);
		const players: { readonly name: string; readonly launch: Launch }[] = [
			{ name: ALONE, launch: { command: PROGRAM } },
			{ name: EMPTY, launch: { command: [nodeBinary(), join(root, "bench/helpers/empty.cjs")] } },
		];
		const absent: Record<string, string> = {};
		for (const { name, wrap, stays } of contestants) {
			if (!wrap) absent[name] = "starts no program in the foreground";
			else if (stays) absent[name] = "stays when its program has ended";
			else players.push({ name, launch: wrap(PROGRAM) });
		}

		const samples = new Samples();
		await takeTurns(players, turns, async ({ name, launch }, turn) => {
			if (name === ALONE) say(`turn ${turn + 1} of ${turns}`);
			samples.add(name, await toEnd(launch));
		});

		const of = (name: string) => median(samples.of(name));
		const ours = [LASTCALL, LASTCALL_SINGLE].filter((name) => samples.of(name).length > 0);
		const byHand = samples.of(HAND_WRITTEN).length > 0;
		return {
			measure: "whole",
			title: "The whole of a short program: from the start of PID 1 until it is gone",
			method: `As PID 1 of a PID namespace, with true(1) as the program: from execvp(3) of the init until the kernel has taken it down. ${turns} turns, one contestant after the other. "${EMPTY}", an empty script, is the least that anything on Node.js takes.`,
			chart: "p50, ms",
			rows: players.map(
				({ name }): Row => ({
					contestant: name,
					values: {
						"p50, ms": of(name),
						"p99, ms": percentile(samples.of(name), 99),
						[`× ${EMPTY}`]: of(name) / of(EMPTY),
					},
				}),
			),
			aims: ours.flatMap((name) => [
				atMost(`${name}: p50 at most ${LIMIT} × ${EMPTY}`, of(name) / of(EMPTY), LIMIT),
				...(byHand ? [atMost(`${name}: no longer than ${HAND_WRITTEN}`, of(name) / of(HAND_WRITTEN), 1)] : []),
			]),
			absent,
		};
	},
};
