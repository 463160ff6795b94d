import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";
import { withService } from "../contestants/service.ts";
import type { Contestant, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import { HAND_WRITTEN, HAND_WRITTEN_PINO, LASTCALL, LASTCALL_RUN, LASTCALL_SINGLE } from "../lib/names.ts";
import { atMost, type Row } from "../lib/result.ts";
import { median, percentile } from "../lib/statistics.ts";
import { Stopwatch } from "../lib/stopwatch.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const HELPERS = join(root, "bench/helpers");
const EMPTY = "node empty.js, to its end";
const REGISTER = "lastcall/register, to the app's first line";
const BARE = "node, to the app's first line";
const ALONE = "no init";
const LIMIT = 1.15;

/** These stay when their program has ended. */
const STAYING: readonly string[] = ["supervisord", "s6", "pm2-runtime"];

/** These are compared in the start of a service, too. */
const SERVING = [LASTCALL_RUN, HAND_WRITTEN, HAND_WRITTEN_PINO];
const PAIR = { threads: 2, processes: 0 };

/** One way to start something. */
interface Starter {
	readonly name: string;
	/** Milliseconds until the moment that counts. */
	readonly play: () => Promise<number>;
	/** A program that ends at once, in addition to one that says when it starts. */
	readonly toItsEnd?: boolean;
}

const TO_ITS_END = ", to its end";

function node(...args: string[]): Launch {
	return { command: [process.execPath, ...args] };
}

function startersOfNode(): readonly Starter[] {
	const app = join(HELPERS, "first-line.mjs");
	const register = join(root, "dist/register.js");
	return [
		{ name: EMPTY, play: () => toEnd(node(join(HELPERS, "empty.cjs"))) },
		{ name: BARE, play: () => toStamp(node(app)) },
		{ name: REGISTER, play: () => toStamp(node("--import", register, app)) },
	];
}

async function toEnd(launch: Launch): Promise<number> {
	await using running = await Stopwatch.start(launch);
	return await running.end();
}

async function toStamp(launch: Launch): Promise<number> {
	await using running = await Stopwatch.start(launch);
	const [stamp = 0n] = await running.stamps(1);
	return running.sinceStart(stamp);
}

/** Until each of two threads has written its first line. */
function serving(contestant: Contestant): Starter {
	return {
		name: `${contestant.name}: 2 threads`,
		play: () =>
			withService(contestant, PAIR, async (running, stamps) =>
				Math.max(...stamps.map((stamp) => running.sinceStart(stamp))),
			),
	};
}

export const measure: Measure = {
	name: "start",
	async run(circumstances) {
		const { contestants, say } = circumstances;
		const turns = turnsOf(circumstances, 40);
		const program = [helper("first")];
		const starters: Starter[] = [{ name: ALONE, play: () => toStamp({ command: program }) }];
		const absent: Record<string, string> = {};
		for (const { name, wrap } of contestants) {
			if (!wrap) {
				absent[name] = "starts no program in the foreground";
				continue;
			}
			starters.push({ name, play: () => toStamp(wrap(program)) });
			if (!STAYING.includes(name)) starters.push({ name, play: () => toEnd(wrap(["true"])), toItsEnd: true });
		}
		starters.push(...contestants.filter(({ name }) => SERVING.includes(name)).map(serving), ...startersOfNode());

		const samples = new Samples();
		await takeTurns(starters, turns, async (starter, turn) => {
			if (starter === starters[0]) say(`turn ${turn + 1} of ${turns}`);
			const { name, play, toItsEnd = false } = starter;
			samples.add(name + (toItsEnd ? TO_ITS_END : ""), await play());
		});

		const of = (name: string) => median(samples.of(name));
		const rows = starters
			.filter(({ toItsEnd }) => !toItsEnd)
			.map(({ name }): Row => {
				const ends = samples.of(name + TO_ITS_END);
				return {
					contestant: name,
					values: {
						"p50, ms": of(name),
						"p99, ms": percentile(samples.of(name), 99),
						"× node empty.js": of(name) / of(EMPTY),
						...(ends.length > 0 && {
							"to its end, ms": median(ends),
							"to its end, × node empty.js": median(ends) / of(EMPTY),
						}),
					},
				};
			});
		return {
			measure: "start",
			title: "From the start of PID 1 to the program's first instruction",
			method: `As PID 1 of a PID namespace: from execvp(3) of the init to the first statement of a program in C, by one clock. "To its end": the whole of PID 1, from execvp(3) until it is gone, with true(1) as the program. "2 threads": until both have written their first line. ${turns} turns, one contestant after the other. "${EMPTY}" is the least that anything on Node.js takes.`,
			chart: "p50, ms",
			rows,
			aims: [LASTCALL, LASTCALL_SINGLE]
				.filter((name) => samples.of(name).length > 0)
				.map((name) => atMost(`${name}: p50 at most ${LIMIT} × ${EMPTY}`, of(name) / of(EMPTY), LIMIT)),
			absent,
		};
	},
};
