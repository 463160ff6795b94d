import { must } from "../../scripts/lib/command.ts";
import { nodeProgram } from "../contestants/node.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import { LASTCALL_RUN } from "../lib/names.ts";
import { type Aim, atMost, type Row } from "../lib/result.ts";
import { median, percentile } from "../lib/statistics.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

/** In a row, in one process. */
const TIMES = 100;
/** The first ones warm up what compiles itself. */
const WARM_UP = 10;
/** New processes, one after the other: each takes as long as a start of Node.js. */
const PROCESSES = 10;
const TIMEOUT_MS = 60_000;

/** By what programs/flag.ts calls it. */
const WAYS: Readonly<Record<string, string>> = {
	isSet: "flag.isSet in a busy loop",
	wait: "flag.wait(), which blocks",
	raised: "await flag.raised()",
	signal: "flag.signal, an AbortSignal",
	postMessage: "postMessage() to a thread",
	process: "SIGTERM to a process of Node.js",
	sharedIsSet: "a process: flag.isSet in a busy loop",
	sharedWait: "a process: flag.wait(), which blocks",
	sharedRaised: "a new process: await flag.raised()",
	execa: "a new process: the cancel signal of execa",
};
const MESSAGE = WAYS.postMessage as string;
/** As far as two series of the same thing lie apart. */
const SAME = 1.1;
const LIMITS: Readonly<Record<string, number>> = { isSet: 1, wait: 1, raised: 2 * SAME, signal: 2 * SAME };

export const measure: Measure = {
	name: "flag",
	async run(circumstances) {
		const turns = turnsOf(circumstances, 10);
		const samples = new Samples();
		const taking = circumstances.contestants.some(({ name }) => name === LASTCALL_RUN)
			? Object.keys(WAYS)
			: ["postMessage", "process", "execa"];
		await takeTurns(taking, turns, async (way, turn) => {
			if (way === taking[0]) circumstances.say(`turn ${turn + 1} of ${turns}`);
			const isNew = WAYS[way]?.startsWith("a new process");
			const [node = "", ...args] = nodeProgram("flag.ts", way, String(isNew ? PROCESSES : TIMES + WARM_UP));
			const found = JSON.parse(await must(node, args, { timeout: TIMEOUT_MS })) as number[];
			for (const us of found.slice(isNew ? 0 : WARM_UP)) samples.add(WAYS[way] ?? way, us);
		});

		const p50 = (name: string) => median(samples.of(name));
		const rows = samples.names.map(
			(name): Row => ({
				contestant: name,
				values: {
					"p50, µs": p50(name),
					"p99, µs": percentile(samples.of(name), 99),
					"× postMessage()": p50(name) / p50(MESSAGE),
				},
			}),
		);
		return {
			measure: "flag",
			title: "From the request to stop to the job's code",
			method: `From the moment the main thread raises the flag, posts or signals, until the next statement of the one that waits, by one clock. ${turns} turns of ${TIMES} each, after ${WARM_UP} that do not count, one way after the other. A process can be told only once by its event loop: for that each time has a new process, whose code is cold, ${PROCESSES} a turn.`,
			chart: "p50, µs",
			rows,
			aims: Object.entries(LIMITS)
				.filter(([way]) => samples.of(WAYS[way] ?? "").length > 0)
				.map(([way, limit]): Aim => {
					const name = WAYS[way] ?? way;
					return atMost(`${name}: p50 at most ${limit} × ${MESSAGE}`, p50(name) / p50(MESSAGE), limit);
				}),
			absent: {},
		};
	},
};
