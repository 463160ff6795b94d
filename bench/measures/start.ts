import { join } from "node:path";
import { root } from "../../scripts/lib/paths.ts";
import { nodeBinary } from "../contestants/node.ts";
import { canServe, withService } from "../contestants/service.ts";
import type { Contestant, IdleService, Launch } from "../lib/contestant.ts";
import { helper } from "../lib/helpers.ts";
import { type Measure, turnsOf } from "../lib/measure.ts";
import {
	HAND_WRITTEN,
	HAND_WRITTEN_PINO,
	inTypeScript,
	LASTCALL,
	LASTCALL_RUN,
	LASTCALL_SINGLE,
	prepared,
} from "../lib/names.ts";
import { type Aim, atMost, type Row } from "../lib/result.ts";
import { median, percentile } from "../lib/statistics.ts";
import { Stopwatch } from "../lib/stopwatch.ts";
import { Samples, takeTurns } from "../lib/turns.ts";

const HELPERS = join(root, "bench/helpers");
const EMPTY = "node empty.js, to its end";
const REGISTER = "lastcall/register, to the app's first line";
const BARE = "node, to the app's first line";
const ALONE = "no init";
const LIMIT = 1.15;
/** For a program as the job of a service, of which `run` has more to do than pass signals on. */
const JOB_LIMIT = 1.5;

/** What is started beside a program, by column. */
const SERVICES: Readonly<Record<string, IdleService>> = {
	"a thread's first line, ms": { threads: 1, processes: 0 },
	"two threads', ms": { threads: 2, processes: 0 },
};
const [ONE, BOTH] = Object.keys(SERVICES) as [string, string];

/** One way to start something. */
interface Starter {
	readonly name: string;
	/** @default that of a program's first instruction */
	readonly column?: string;
	/** Milliseconds until the moment that counts. */
	readonly play: () => Promise<number>;
}

function node(...args: string[]): Launch {
	return { command: [nodeBinary(), ...args] };
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

/** Until each of its threads has written its first line. */
function serving(contestant: Contestant): Starter[] {
	// What runs the hand-written main has no threads of its own.
	if (contestant.name.endsWith(`+ ${HAND_WRITTEN}`)) return [];
	return Object.entries(SERVICES)
		.filter(([, service]) => canServe(contestant, service))
		.map(([column, service]) => ({
			name: contestant.name,
			column,
			play: () =>
				withService(contestant, service, async (running, stamps) =>
					Math.max(...stamps.map((stamp) => running.sinceStart(stamp))),
				),
		}));
}

function key({ name, column = "" }: Pick<Starter, "name" | "column">): string {
	return `${name}\n${column}`;
}

export const measure: Measure = {
	name: "start",
	async run(circumstances) {
		const { contestants, say } = circumstances;
		const turns = turnsOf(circumstances, 40, 2);
		const program = [helper("first")];
		const starters: Starter[] = [{ name: ALONE, play: () => toStamp({ command: program }) }];
		for (const contestant of contestants) {
			const { name, wrap } = contestant;
			if (wrap) starters.push({ name, play: () => toStamp(wrap(program)) });
			starters.push(...serving(contestant));
		}
		starters.push(...startersOfNode());
		const names = [...new Set(starters.map(({ name }) => name))];
		const absent = contestants.filter(({ name }) => !names.includes(name));

		const samples = new Samples();
		await takeTurns(starters, turns, async (starter, turn) => {
			if (starter === starters[0]) say(`turn ${turn + 1} of ${turns}`);
			samples.add(key(starter), await starter.play());
		});

		const of = (name: string, column?: string) => median(samples.of(key({ name, ...(column && { column }) })));
		const rows = names.map((name): Row => {
			const times = samples.of(key({ name }));
			const columns = Object.keys(SERVICES).filter((column) => samples.of(key({ name, column })).length > 0);
			return {
				contestant: name,
				values: {
					...(times.length > 0 && {
						"p50, ms": of(name),
						"p99, ms": percentile(times, 99),
						"× node empty.js": of(name) / of(EMPTY),
					}),
					...Object.fromEntries(columns.map((column) => [column, of(name, column)])),
				},
			};
		});
		return {
			measure: "start",
			title: "From the start of PID 1 to the program's first instruction",
			method: `As PID 1 of a PID namespace: from execvp(3) of the init to the first statement of a program in C, by one clock; for services of threads, until the thread, or both of two, has written its first line. ${turns} turns, one contestant after the other. "${EMPTY}" is the least that anything on Node.js takes.`,
			chart: "p50, ms",
			rows,
			aims: aimsOf((name, column) =>
				samples.of(key({ name, ...(column && { column }) })).length > 0 ? of(name, column) : undefined,
			),
			absent: Object.fromEntries(absent.map(({ name }) => [name, "starts no program, and has no threads of its own"])),
		};
	},
};

function aimsOf(of: (name: string, column?: string) => number | undefined): Aim[] {
	const aims: Aim[] = [];
	const compare = (ours: string, theirs: string, limit: number, column?: string) => {
		const [found, base] = [of(ours, column), of(theirs, column)];
		if (found === undefined || base === undefined) return;
		const what = column ? `${column.replace(/, ms$/, "")}` : "p50";
		aims.push(atMost(`${ours}: ${what} at most ${limit} × ${theirs}`, found / base, limit));
	};
	for (const name of [LASTCALL, LASTCALL_SINGLE]) compare(name, EMPTY, LIMIT);
	compare(LASTCALL_RUN, HAND_WRITTEN, JOB_LIMIT);
	for (const column of [ONE, BOTH]) {
		compare(LASTCALL_RUN, HAND_WRITTEN_PINO, LIMIT, column);
		const [ours, theirs] = [inTypeScript(LASTCALL_RUN), inTypeScript(HAND_WRITTEN_PINO)];
		compare(ours, theirs, LIMIT, column);
		compare(prepared(ours), prepared(theirs), LIMIT, column);
	}
	return aims;
}
